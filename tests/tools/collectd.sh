# collectd's thresholds, as notifications of write_http.
PACKAGES="collectd-core libcurl3-gnutls libyajl2"
version() { "$T/usr/sbin/collectd" -h 2>&1 | grep -o 'collectd [0-9.]*' | head -1; }
try_collectd() {
  mkdir -p "$D/watched"
  cat > "$D/collectd.conf" <<CONF
Hostname "db-01"
FQDNLookup false
Interval 1
BaseDir "$D"
PIDFile "$D/collectd.pid"
PluginDir "$M/../collectd"
TypesDB "$T/usr/share/collectd/types.db"
LoadPlugin filecount
LoadPlugin threshold
LoadPlugin write_http
<Plugin filecount>
  <Directory "$D/watched">
    Instance "watched"
  </Directory>
</Plugin>
<Plugin threshold>
  <Plugin "filecount">
    <Type "files">
      WarningMax 2
    </Type>
  </Plugin>
</Plugin>
<Plugin write_http>
  <Node "watchfire">
    URL "$B/api/v1/sources/collectd"
    Format "JSON"
    Metrics false
    Notifications true
  </Node>
</Plugin>
CONF
  [ -d "$M/../collectd" ] || sed -i "s|PluginDir .*|PluginDir \"$T/usr/lib/collectd\"|" "$D/collectd.conf"
  "$T/usr/sbin/collectd" -f -C "$D/collectd.conf" & local daemon=$!
  trap "kill $daemon" EXIT
  touch "$D"/watched/{a,b,c,d}
  until_true 30 firing alertname=collectd_filecount_files
  rm "$D"/watched/*
  until_true 30 over alertname=collectd_filecount_files
}
