# SPDX-License-Identifier: MIT
#
# The image of walkv: walkvd with walkv-snapshot, walkvctl, and walkv-httpd. compose.yaml builds and runs it;
# containers/README.md says what is where in it.
#
#     docker build -t walkv .
#
# BASE  another Debian, 12 or newer, for both stages
# UI    OFF: without the web UI, and without Node.js and npm to build it
#
# It must never run anything as root, nor carry what only the build needs. A worker in it refuses to listen without access
# tokens, unless whoever runs it says that something else keeps the others away.
ARG BASE=debian:12-slim

FROM ${BASE} AS build
ARG UI=ON
WORKDIR /src
COPY scripts/install-deps scripts/
RUN WALKV_UI=${UI} scripts/install-deps build
COPY . .
RUN cmake -S . -B build -G Ninja -DCMAKE_BUILD_TYPE=Release -DWALKV_TESTS=OFF -DWALKV_UI=${UI} \
 && cmake --build build --target walkvd walkv-snapshot walkvctl walkv-httpd
RUN install -D -s -t /out/bin build/walkvd/walkvd build/walkvd/walkv-snapshot build/walkvd/walkvctl \
      build/walkv-httpd/walkv-httpd \
 && install -t /out/bin containers/walkv-ready
# The packages of the libraries that the programs are linked with, whatever this Debian calls them.
RUN ldd /out/bin/walkv* 2>/dev/null | awk '$2 == "=>" { sub(".*/", "*/", $3); print $3 }' | sort -u \
      | xargs dpkg -S | cut -d: -f1 | sort -u >/out/packages \
 && test -s /out/packages

FROM ${BASE}
COPY --from=build /out/packages /usr/share/walkv/packages
# The numbers are the same in every image, since they own what is in the volumes.
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive xargs -a /usr/share/walkv/packages apt-get install -y --no-install-recommends \
 && apt-get clean && rm -rf /var/lib/apt/lists/* \
 && groupadd --gid 10001 walkv \
 && groupadd --gid 10002 walkv-http \
 && useradd --uid 10001 --gid walkv --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin walkv \
 && useradd --uid 10002 --gid walkv-http --groups walkv --no-create-home --home-dir /nonexistent \
      --shell /usr/sbin/nologin walkv-http \
 && install -d -o walkv -g walkv -m 0700 /var/lib/walkv \
 && install -d -o walkv -g walkv -m 0750 /run/walkv
COPY containers/walkv.conf /etc/walkv/walkv.conf
COPY --from=build /out/bin/ /usr/local/bin/
USER walkv
STOPSIGNAL SIGTERM
EXPOSE 4000
CMD ["walkvd"]
