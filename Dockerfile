# The agent's image: an interpreter, a few libraries from PyPI, the agent, and the C libraries these load.
# No shell, no package manager, no pip, no compiler. prometheus_client is in it for the overlay that
# asks for metrics, so that one image serves all; no other agent imports it.
#
#     docker buildx build --platform linux/amd64,linux/arm64 -t REGISTRY/memcollect-agent:VERSION .
#
# BASE may be any image with Debian's or Docker's python3 (3.11 or later) with venv and pip; name it by digest
# to build the very same again.
ARG BASE=docker.io/library/python:3.13-slim-trixie

FROM ${BASE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
COPY deploy/image/*.lock deploy/image/
RUN ["python3", "-m", "venv", "/build"]
RUN ["/build/bin/pip", "install", "--require-hashes", "--only-binary=:all:", "-r", "deploy/image/build.lock", "-r", "deploy/image/sbom.lock"]
RUN ["python3", "-m", "venv", "--without-pip", "/opt/memcollect"]
RUN ["/build/bin/pip", "--python", "/opt/memcollect/bin/python", "install", "--require-hashes", "--only-binary=:all:", "-r", "deploy/image/agent.lock"]
COPY pyproject.toml README.md LICENSE CHANGELOG.md ./
COPY agent agent
COPY collector collector
RUN ["/build/bin/pip", "wheel", "--no-index", "--no-deps", "--no-build-isolation", "--wheel-dir", "/wheels", "."]
RUN ["/build/bin/pip", "--python", "/opt/memcollect/bin/python", "install", "--no-index", "--find-links", "/wheels", "memcollect[agent,metrics]"]
COPY deploy/image/assemble.py deploy/image/
COPY release/sbom.py release/
# Of the commit's time, so that the same commit gives the same image; no hash of a run orders what is compiled.
ARG SOURCE_DATE_EPOCH=0
ENV PYTHONHASHSEED=0
RUN ["python3", "deploy/image/assemble.py", "/opt/memcollect", "/rootfs"]
RUN ["sh", "-c", "/build/bin/python release/sbom.py /rootfs $SOURCE_DATE_EPOCH"]
# What does not start is not an image.
RUN ["chroot", "/rootfs", "/opt/memcollect/bin/python", "-I", "-m", "memcollect_agent", "serve", "--help"]
RUN ["chroot", "/rootfs", "/opt/memcollect/bin/python", "-I", "-c", "import prometheus_client.exposition"]

FROM scratch
ARG VERSION=unknown
ARG REVISION=unknown
ARG SOURCE=unknown
ARG CREATED=unknown
LABEL org.opencontainers.image.title="memcollect-agent" \
      org.opencontainers.image.description="Measures the memory of a node's pods; it only reads" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.created="${CREATED}"
COPY --from=build /rootfs /
ENV LANG=C.UTF-8
# Root without capabilities but the one the DaemonSet grants: docs/security.md says why no other user will do.
USER 0:0
ENTRYPOINT ["/opt/memcollect/bin/python", "-I", "-m", "memcollect_agent"]
CMD ["serve"]
