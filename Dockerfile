# One image for the broker and for clients: Python, one virtual environment, one user without rights.
#
#   docker build -t hubbub .
#   docker run -d --name hubbub -p 127.0.0.1:5000-5002:5000-5002 -v hubbub:/data hubbub
#   docker exec -it hubbub hubbub chat 127.0.0.1
#   docker run -it --rm -v my-keys:/data hubbub hubbub chat chat.example.org
#
# Publish the three ports under the numbers that they have inside: clients are told the number of the events' port.

FROM python:3.13-slim AS builder
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src

# Rarely changed first. The environment gets no pip of its own; the builder's installs into it.
COPY requirements-build.lock requirements.lock ./
RUN pip install --require-hashes -r requirements-build.lock \
 && python -m venv --without-pip /opt/hubbub \
 && pip --python /opt/hubbub/bin/python install --require-hashes -r requirements.lock

COPY pyproject.toml README.md LICENSE ./
COPY common common
COPY broker broker
COPY client client
RUN pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
 && pip --python /opt/hubbub/bin/python install --no-deps --no-index /wheels/*.whl


FROM python:3.13-slim
LABEL org.opencontainers.image.title="hubbub" \
      org.opencontainers.image.description="A self-hosted chat and messaging system for people and programs, over ZeroMQ" \
      org.opencontainers.image.licenses="MIT"

# A number that is the same in every build: the files in a volume belong to it.
RUN useradd --no-log-init --uid 10001 --user-group --home-dir /data --no-create-home \
        --shell /usr/sbin/nologin hubbub \
 && install --directory --owner hubbub --group hubbub --mode 0700 /data
COPY --from=builder /opt/hubbub /opt/hubbub
COPY examples/participant.py /opt/hubbub/examples/participant.py

# What a program prints is seen at once. A client's keys live in the volume, beside the broker's data.
ENV PATH="/opt/hubbub/bin:$PATH" PYTHONUNBUFFERED=1 HUBBUB_HOME=/data/client
VOLUME /data
EXPOSE 5000-5002
# Numbers, not names: a cluster that allows no root can see that this is none.
USER 10001:10001

# For a broker. Whoever runs a client in this image may turn it off: --no-healthcheck
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s --retries=3 \
    CMD ["hubbub", "ping", "127.0.0.1:5000"]

# No entry point: the same image runs `hubbub-broker`, `hubbub` and `python`. No shell either: the broker itself gets SIGTERM.
CMD ["hubbub-broker", "--bind", "0.0.0.0:5000", "--data", "/data/broker", "--no-announce"]
