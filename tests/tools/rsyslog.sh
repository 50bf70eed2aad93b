# rsyslog feeds `watchfire send --lines --confirm` through omprog, each line confirmed.
PACKAGES="rsyslog libestr0 libfastjson4"
version() { "$T/usr/sbin/rsyslogd" -v | head -1 | cut -d' ' -f1-3; }
try_rsyslog() {
  local port; port=$(free_port)
  cat > "$D/rsyslog.conf" <<CONF
global(workDirectory="$D")
module(load="imptcp")
module(load="omprog")
input(type="imptcp" address="127.0.0.1" port="$port")
action(type="omprog" name="watchfire" template="RSYSLOG_SyslogProtocol23Format" confirmMessages="on"
  binary="$D/rsyslog-hook" action.resumeRetryCount="-1" action.resumeInterval="1")
CONF
  hook rsyslog-hook "--lines --confirm --source rsyslog"
  "$T/usr/sbin/rsyslogd" -n -f "$D/rsyslog.conf" -i "$D/rsyslog.pid" -M "$M/rsyslog" & local daemon=$!
  trap "kill $daemon" EXIT
  send() { exec 3<>/dev/tcp/127.0.0.1/$port && printf "$1\n" >&3 && exec 3>&-; }
  until_true 20 send '<11>1 2026-11-21T18:12:53+00:00 db-01 app 7 - - 磁盘错误'
  send '<187>1 2026-11-21T18:12:54+00:00 sw3 %%LINK-3-UPDOWN - - - Interface Gi0/1, changed state to down'
  until_true 30 counted rsyslog point 1
  until_true 30 firing alertname=LinkDown device=sw3 interface=Gi0/1
  send '<189>1 2026-11-21T18:13:54+00:00 sw3 %%LINK-3-UPDOWN - - - Interface Gi0/1, changed state to up'
  until_true 30 over alertname=LinkDown device=sw3 interface=Gi0/1
}
