#!/usr/bin/env bash
# tests/tools/run.sh [NAME…]: real tools of Debian send to a real watchfire by the recipes of rules/sources. Packages are unpacked
# below target/tools, never installed, because some of them exclude each other. Prints a line a tool; exit code: how many failed.
# WATCHFIRE names the program (default target/debug/watchfire). Without apt, what is not unpacked yet is told as ABSENT.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd); root=$(cd "$here/../.." && pwd)
W=$(realpath "${WATCHFIRE:-$root/target/debug/watchfire}")
[ -x "$W" ] || { echo "no watchfire at $W; cargo build first"; exit 2; }
store="${WATCHFIRE_TOOLS:-$root/target/tools}"; T="$store/root"
D=$(mktemp -d); PIDS=()
trap 'kill "${PIDS[@]}" 2>/dev/null; wait 2>/dev/null; rm -rf "$D"' EXIT
export LD_LIBRARY_PATH="$T/usr/lib/$(uname -m)-linux-gnu:$T/lib/$(uname -m)-linux-gnu"
M="$T/usr/lib/$(uname -m)-linux-gnu"

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# unpack PACKAGE…: below $T, once.
unpack() {
  mkdir -p "$store/debs" "$T"
  for package in "$@"; do
    [ -e "$store/debs/$package.done" ] && continue
    (cd "$store/debs" && apt-get download -qq "$package" >/dev/null 2>&1 && dpkg -x "$package"_*.deb "$T" && touch "$package.done") || return 1
  done
}

# until_true SECONDS COMMAND…: asks until it holds.
until_true() {
  local end=$((SECONDS + $1)); shift
  until "$@" >/dev/null 2>&1; do [ $SECONDS -lt $end ] || return 1; read -rt 0.2 <> <(:) || true; done
}

PORT=$(free_port); B=http://127.0.0.1:$PORT
env -u LD_LIBRARY_PATH "$W" serve --listen 127.0.0.1:$PORT --mqtt-listen off --data-dir "$D/data" --rules "${RULES:-$root/rules}" >"$D/log" 2>&1 &
PIDS+=($!)
until_true 60 curl -sf "$B/-/ready" || { tail -5 "$D/log"; echo "watchfire does not start"; exit 2; }
ln -s "$W" "$D/watchfire"

# hook NAME ARGUMENTS: a script that a tool runs.
hook() { printf '#!/bin/sh\nunset LD_LIBRARY_PATH\nexec %s send --url %s --spool %s/spool %s\n' "$D/watchfire" "$B" "$D" "$2" > "$D/$1"; chmod +x "$D/$1"; }
# firing LABEL=VALUE…: whether such an alert fires.
firing() { local q=''; for one in "$@"; do q+="&filter=$(python3 -c 'import sys, urllib.parse; n, v = sys.argv[1].split("=", 1); print(urllib.parse.quote(f"{n}=\"{v}\""))' "$one")"; done
  curl -sf "$B/api/v2/alerts?active=true$q" | grep -q '"fingerprint"'; }
over() { ! firing "$@"; }
# counted SOURCE STATUS N: whether so many events have come.
counted() { curl -sf "$B/metrics" | grep -F "watchfire_events_total{source=\"$1\",status=\"$2\"} " | awk -v n="$3" '{ok = $2 >= n} END {exit !ok}'; }

bad=0; tried=0
try() {
  local name=$1; [ ${#WANTED[@]} -eq 0 ] || [[ " ${WANTED[*]} " == *" $name "* ]] || return
  . "$here/$name.sh"
  if ! unpack $PACKAGES; then echo "ABSENT $name: its packages cannot be fetched"; return; fi
  if declare -F "needs_$name" >/dev/null && ! "needs_$name"; then echo "WAITS  $name: $WAITS"; return; fi
  tried=$((tried + 1))
  # Not inside a condition: there the shell would go on after a command that fails.
  (set -e; "try_$name") >"$D/$name.out" 2>&1
  if [ $? = 0 ]; then echo "ok     $name $(version 2>/dev/null | head -1)"
  else echo "FAILED $name: $(tail -${TAIL:-3} "$D/$name.out" | tr '\n' ' ')"; bad=$((bad + 1)); fi
}
WANTED=("$@")
for tool in "$here"/[a-z]*.sh; do tool=$(basename "$tool" .sh); [ "$tool" = run ] || try "$tool"; done
echo "$tried tools tried, $bad failed"
exit $bad
