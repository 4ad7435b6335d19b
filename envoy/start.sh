#!/bin/sh
# Fills in envoy.yaml.template and becomes Envoy. Writes nothing outside of LATCHKEY_RUN.
#
#   LATCHKEY_RUN               a folder to write the configuration into
#   AUTH_UPSTREAM              host:port of auth-service; all addresses of the host are replicas
#   AUTH_INTERNAL_UPSTREAM     host:port of its internal listener
#   RESOURCE_UPSTREAM          host:port of resource-service
#   LEGACY_UPSTREAM            host:port of the application at /legacy/ (127.0.0.1:8083)
#   LATCHKEY_ADDRESS           where to listen (127.0.0.1)
#   LATCHKEY_PORT              (8080)
#   LATCHKEY_WEB               the folder of the demo (web/ beside this one)
#   LATCHKEY_ACCESS_LOG        (/dev/stdout)
#   LATCHKEY_TLS_CERTIFICATE   and LATCHKEY_TLS_KEY, PEM files: with them it speaks TLS and HTTP/2
#   LATCHKEY_TEMPLATE          another one of this folder's templates (envoy.yaml.template)
#   JWT_ISSUER, JWT_AUDIENCE   for jwt-authn.yaml.template
#   ENVOY                      the program (envoy)
# Arguments are Envoy's.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
run=${LATCHKEY_RUN:?a folder to write into}
tls=/dev/null
[ -z "${LATCHKEY_TLS_CERTIFICATE:-}" ] || tls=$here/tls.yaml

# value NAME VALUE: a line of sed that fills it in.
value() {
  printf 's|${%s}|%s|g\n' "$1" "$(printf '%s' "$2" | sed 's/[&|\\]/\\&/g')"
}

# upstream NAME HOST:PORT
upstream() {
  value "$1_HOST" "${2%:*}"
  value "$1_PORT" "${2##*:}"
}

mkdir -p "$run"
{
  upstream AUTH "${AUTH_UPSTREAM:?host:port of auth-service}"
  upstream AUTH_INTERNAL "${AUTH_INTERNAL_UPSTREAM:?host:port of the internal listener of auth-service}"
  upstream RESOURCE "${RESOURCE_UPSTREAM:?host:port of resource-service}"
  upstream LEGACY "${LEGACY_UPSTREAM:-127.0.0.1:8083}"
  value LATCHKEY_ADDRESS "${LATCHKEY_ADDRESS:-127.0.0.1}"
  value LATCHKEY_PORT "${LATCHKEY_PORT:-8080}"
  value LATCHKEY_WEB "${LATCHKEY_WEB:-$(dirname "$here")/web}"
  value LATCHKEY_ACCESS_LOG "${LATCHKEY_ACCESS_LOG:-/dev/stdout}"
  value LATCHKEY_ENVOY "$here"
  value JWT_ISSUER "${JWT_ISSUER:-}"
  value JWT_AUDIENCE "${JWT_AUDIENCE:-}"
  value LATCHKEY_TLS_CERTIFICATE "${LATCHKEY_TLS_CERTIFICATE:-}"
  value LATCHKEY_TLS_KEY "${LATCHKEY_TLS_KEY:-}"
} >"$run/values.sed"
sed -e "/^ *\${LATCHKEY_TLS}\$/{r $tls
d}" "$here/${LATCHKEY_TEMPLATE:-envoy.yaml.template}" | sed -f "$run/values.sed" >"$run/envoy.yaml"

# Without hot restart, which is for a parent that hands over its sockets, any number of them run side by side. What a request
# did is in the access log; at lower levels a line may quote its query string.
exec "${ENVOY:-envoy}" --config-path "$run/envoy.yaml" --disable-hot-restart --log-level critical \
  --file-flush-interval-msec 200 "$@"
