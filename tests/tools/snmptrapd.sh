# snmptrapd hands traps to `watchfire send` on standard input; snmptrap sends them.
PACKAGES="snmptrapd snmp libsnmp40 libsnmp-base libnetsnmptrapd40 libpci3 libmariadb3"
version() { "$T/usr/sbin/snmptrapd" -v 2>&1 | grep -o '[0-9.]*$' | head -1; }
try_snmptrapd() {
  local port; port=$(free_port)
  export SNMP_PERSISTENT_DIR="$D/snmp" MIBS=; mkdir -p "$D/snmp"
  hook snmp-hook "--source snmptrapd"
  printf 'disableAuthorization yes\noutputOption nQ\ntraphandle default %s/snmp-hook\n' "$D" > "$D/snmptrapd.conf"
  "$T/usr/sbin/snmptrapd" -f -Lo -C -c "$D/snmptrapd.conf" "udp:127.0.0.1:$port" & local daemon=$!
  trap "kill $daemon" EXIT
  trap_of() { "$T/usr/bin/snmptrap" -v2c -c public "127.0.0.1:$port" '' "$1" .1.3.6.1.2.1.2.2.1.1.7 i 7 .1.3.6.1.2.1.31.1.1.1.1.7 s Gi0/0/7; }
  down_is_seen() { trap_of .1.3.6.1.6.3.1.1.5.3; firing alertname=LinkDown device=127.0.0.1 interface=Gi0/0/7; }
  until_true 30 down_is_seen
  trap_of .1.3.6.1.6.3.1.1.5.4
  until_true 30 over alertname=LinkDown device=127.0.0.1 interface=Gi0/0/7
  "$T/usr/bin/snmptrap" -v2c -c public "127.0.0.1:$port" '' .1.3.6.1.6.3.1.1.5.1
  until_true 30 counted snmptrapd point 1
}
