# The services, and an app behind the gateway: `docker build --target auth-service .`, `resource-service`, `legacy-app`.

FROM rust:1.95-slim-bookworm AS build
# OpenSSL (for libpq) is built from source, which takes make and perl.
RUN apt-get update \
 && apt-get install -y --no-install-recommends make perl \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /build

# The dependencies in a layer of their own: empty crates stand in for ours, so a change of our code does not build them
# again.
COPY Cargo.toml Cargo.lock ./
COPY common/Cargo.toml common/
COPY auth-service/Cargo.toml auth-service/
COPY resource-service/Cargo.toml resource-service/
COPY legacy-app/Cargo.toml legacy-app/
COPY system-tests/Cargo.toml system-tests/
COPY bench/Cargo.toml bench/
COPY xtask/Cargo.toml xtask/
RUN for crate in common auth-service resource-service legacy-app bench xtask; do \
      mkdir -p "$crate/src" && : >"$crate/src/lib.rs" && echo 'fn main() {}' >"$crate/src/main.rs"; \
    done \
 && mkdir common/benches && : >common/benches/verify.rs \
 && cargo build --release --locked -p auth-service -p resource-service -p legacy-app \
 && rm -r common/src auth-service/src resource-service/src legacy-app/src

COPY common common
COPY auth-service auth-service
COPY resource-service resource-service
COPY legacy-app legacy-app
# cargo goes by time stamps, and these files may be older than the empty ones were.
RUN find common auth-service resource-service legacy-app -name '*.rs' -exec touch {} + \
 && cargo build --release --locked -p auth-service -p resource-service -p legacy-app

# What a service needs to run, and nothing else: its binary, the libraries that it names, certificates, a user.
RUN set -eu; \
    for service in auth-service resource-service legacy-app; do \
      root=/staged/$service; \
      mkdir -p "$root/etc/ssl/certs"; \
      cp "target/release/$service" "$root/"; \
      ldd "$root/$service" | grep -o '/[^ ]*' | while read -r library; do cp -L --parents "$library" "$root"; done; \
      cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"; \
      echo 'latchkey:x:10001:10001::/:/sbin/nologin' >"$root/etc/passwd"; \
      echo 'latchkey:x:10001:' >"$root/etc/group"; \
      echo 'hosts: files dns' >"$root/etc/nsswitch.conf"; \
    done

FROM scratch AS auth-service
COPY --from=build /staged/auth-service /
ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
USER 10001:10001
EXPOSE 8081 9081
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s CMD ["/auth-service", "healthcheck"]
ENTRYPOINT ["/auth-service"]
CMD ["serve"]

FROM scratch AS resource-service
COPY --from=build /staged/resource-service /
ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
USER 10001:10001
EXPOSE 8082 9082
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s CMD ["/resource-service", "healthcheck"]
ENTRYPOINT ["/resource-service"]
CMD ["serve"]

FROM scratch AS legacy-app
COPY --from=build /staged/legacy-app /
USER 10001:10001
EXPOSE 8083
STOPSIGNAL SIGTERM
ENTRYPOINT ["/legacy-app"]
CMD ["0.0.0.0:8083"]
