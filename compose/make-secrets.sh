#!/bin/sh
# Makes the secrets that are missing, and never touches one that is there: the services may be started, stopped and
# scaled as often as one likes, and a file of one's own stays.
#
# Who may read a secret is decided by who mounts its folder (docker-compose.yml), not by the files' modes: the services run
# as different users, and none of them sees another one's folder.
set -eu
umask 022
cd /secrets

# The 32 random bytes of a new secret, in hexadecimal.
random() {
  od -A n -N 32 -t x1 /dev/urandom | tr -d ' \n'
}

# keep FILE VALUE: by renaming, so that an interrupted run leaves no half of a secret behind.
keep() {
  [ -s "$1" ] && return
  printf '%s\n' "$2" >"$1.new"
  mv "$1.new" "$1"
  echo "made $1"
}

keep shared/jwt_secret "$(random)"
keep auth/refresh_secret "$(random)"
keep auth/master_key "$(head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=\n')"

# By which resource-service proves who it is to auth-service.
keep client/resource_service "$(random)"

keep postgres/superuser_password "$(random)"
keep postgres/auth_password "$(random)"
keep postgres/resource_password "$(random)"
keep auth/database_url "postgres://auth:$(cat postgres/auth_password)@postgres:5432/auth"
keep resource/database_url "postgres://resource:$(cat postgres/resource_password)@postgres:5432/resource"

keep redis/password "$(random)"
keep redis/password.conf "requirepass $(cat redis/password)"
keep auth/redis_url "redis://default:$(cat redis/password)@redis:6379/0"
