# upsmon runs the hook when dummy-ups says that the power is gone, and again when it is back.
PACKAGES="nut-server nut-client libupsclient6"
version() { "$T/lib/nut/upsd" -V 2>&1 | grep -o '[0-9.]*$' | head -1; }
try_nut() {
  local port; port=$(free_port)
  export NUT_CONFPATH="$D/nut" NUT_STATEPATH="$D/nut" NUT_ALTPIDPATH="$D/nut"; mkdir -p "$D/nut"; chmod 755 "$D" "$D/nut"
  hook nut-hook '--source nut --env NOTIFYTYPE --env UPSNAME MESSAGE="$1"'
  printf 'MODE=standalone\n' > "$D/nut/nut.conf"
  printf '[room]\n  driver = dummy-ups\n  port = room.dev\n  mode = dummy-loop\n' > "$D/nut/ups.conf"
  printf 'LISTEN 127.0.0.1 %s\n' "$port" > "$D/nut/upsd.conf"
  printf '[mon]\n  password = x\n  upsmon primary\n' > "$D/nut/upsd.users"
  printf 'MONITOR room@127.0.0.1:%s 1 mon x primary\nMINSUPPLIES 1\nPOLLFREQ 1\nPOLLFREQALERT 1\nSHUTDOWNCMD "true"\nRUN_AS_USER root\nNOTIFYCMD %s/nut-hook\nNOTIFYFLAG ONLINE EXEC\nNOTIFYFLAG ONBATT EXEC\nNOTIFYFLAG COMMBAD EXEC\nNOTIFYFLAG COMMOK EXEC\n' "$port" "$D" > "$D/nut/upsmon.conf"
  chmod 640 "$D"/nut/*.conf "$D/nut/upsd.users"
  power() { printf 'ups.status: %s\nups.mfr: x\nTIMER 1\n' "$1" > "$D/nut/room.dev.new"; mv "$D/nut/room.dev.new" "$D/nut/room.dev"; }
  power OL
  "$T/lib/nut/dummy-ups" -D -a room -u root & local driver=$!
  "$T/lib/nut/upsd" -D -u root & local server=$!
  trap "kill $driver $server" EXIT
  until_true 20 "$T/bin/upsc" "room@127.0.0.1:$port" ups.status
  "$T/lib/nut/upsmon" -D -p & local monitor=$!
  trap "kill $monitor $driver $server" EXIT
  until_true 30 "$T/bin/upsc" -c "room@127.0.0.1:$port"
  power OB
  until_true 60 firing alertname=UpsOnBattery device="room@127.0.0.1:$port"
  power OL
  until_true 60 over alertname=UpsOnBattery device="room@127.0.0.1:$port"
}
