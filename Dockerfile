# PostgreSQL 17 with group_api, on Debian 13.  docs/howto/install.md tells how to use it.
# script/test containers takes these steps in a Debian 13 without containers, so there is
# nothing in here but FROM, ARG, ENV, WORKDIR, COPY, RUN, USER and what is only told.

FROM debian:trixie-slim AS build
ENV DEBIAN_FRONTEND=noninteractive
RUN apt-get update \
    && apt-get install -y --no-install-recommends build-essential postgresql-server-dev-all
WORKDIR /usr/src/group_api
COPY . .
# A package knows the libraries it needs; its tests are for who releases it.
ENV DEB_BUILD_PROFILES=nocheck DEB_BUILD_OPTIONS=nocheck
RUN pg_buildext updatecontrol \
    && apt-get build-dep -y ./ \
    && dpkg-buildpackage -us -uc -b

FROM debian:trixie-slim
ENV DEBIAN_FRONTEND=noninteractive
COPY --from=build /usr/src/postgresql-17-group-api_1.1_amd64.deb /tmp/
# The image makes a cluster of its own, in a volume.
RUN apt-get update \
    && apt-get install -y --no-install-recommends postgresql-common \
    && sed -i 's/^#\?create_main_cluster.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf \
    && apt-get install -y --no-install-recommends /tmp/postgresql-17-group-api_1.1_amd64.deb \
    && rm -rf /tmp/*.deb /var/lib/apt/lists/* \
    && install -d -o postgres -g postgres -m 700 /var/lib/postgresql/data
COPY docker/entrypoint.sh docker/groups.sql docs/http/roles.sql /usr/local/share/group_api/
ENV PATH=/usr/lib/postgresql/17/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
ENV PGDATA=/var/lib/postgresql/data LANG=C.UTF-8
USER postgres
VOLUME /var/lib/postgresql/data
EXPOSE 5432
STOPSIGNAL SIGINT
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s CMD ["pg_isready", "-q", "-h", "127.0.0.1", "-d", "groups"]
ENTRYPOINT ["/bin/sh", "/usr/local/share/group_api/entrypoint.sh"]
