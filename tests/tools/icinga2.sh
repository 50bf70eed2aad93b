# Icinga 2 runs the notification command of the recipe for a host that goes down and comes back.
PACKAGES="icinga2-bin icinga2-common libboost-coroutine1.74.0 libboost-filesystem1.74.0 libboost-iostreams1.74.0 libboost-program-options1.74.0
  libboost-regex1.74.0 libboost-thread1.74.0 libboost-context1.74.0 libboost-chrono1.74.0 libboost-date-time1.74.0 libboost-atomic1.74.0
  libboost-system1.74.0 libedit2 libicu72"
icinga2_program() { "$M/icinga2/sbin/icinga2" "$@"; }
version() { icinga2_program --version 2>&1 | grep -o 'r[0-9.]*' | head -1; }
try_icinga2() {
  hook icinga2-hook '--source icinga2 -- -l="$HOSTNAME" -s="$HOSTSTATE" -t="$NOTIFICATIONTYPE" -o="$HOSTOUTPUT"'
  mkdir -p "$D/icinga2"/{data,log,run,cache,spool,conf}
  cat > "$D/icinga2/icinga2.conf" <<CONF
object CheckerComponent "checker" {}
object NotificationComponent "notification" {}
object CheckCommand "alive" { command = ["/bin/sh", "-c", "test ! -e $D/icinga2/down || { echo 宕机; exit 2; }"] }
object NotificationCommand "watchfire" {
  command = ["$D/icinga2-hook"]
  env = {
    HOSTNAME = "\$host.name\$"
    HOSTSTATE = "\$host.state\$"
    NOTIFICATIONTYPE = "\$notification.type\$"
    HOSTOUTPUT = "\$host.output\$"
  }
}
object User "noc" {}
object Host "db-01" {
  check_command = "alive"
  check_interval = 1s
  retry_interval = 1s
  max_check_attempts = 1
}
object Notification "watchfire" {
  host_name = "db-01"
  command = "watchfire"
  users = ["noc"]
}
CONF
  local define=()
  for name in DataDir LogDir InitRunDir CacheDir SpoolDir; do define+=(-D "$name=$D/icinga2/$(echo "$name" | tr A-Z a-z | sed 's/dir$//; s/initrun/run/')"); done
  # exec: the pid is Icinga's own, so that ending it ends its workers too.
  (exec "$M/icinga2/sbin/icinga2" daemon -c "$D/icinga2/icinga2.conf" -D "RunAsUser=$(id -un)" -D "RunAsGroup=$(id -gn)" "${define[@]}" -I "$T/usr/share/icinga2/include") & local daemon=$!
  trap "kill $daemon; wait $daemon" EXIT
  touch "$D/icinga2/down"
  until_true 60 firing alertname=HostDown host=db-01
  rm "$D/icinga2/down"
  until_true 60 over alertname=HostDown host=db-01
}
