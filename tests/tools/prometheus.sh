# Prometheus, which notifies us as an Alertmanager, of a target that is not there.
PACKAGES="prometheus"
version() { prometheus_program --version 2>&1 | grep -o 'version [0-9.]*' | head -1; }
prometheus_program() { if [ -x "$T/usr/bin/prometheus" ]; then "$T/usr/bin/prometheus" "$@"; else prometheus "$@"; fi; }
try_prometheus() {
  local port target; port=$(free_port); target=$(free_port)
  cat > "$D/prometheus.yml" <<CONF
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [$D/prometheus-rules.yml]
alerting: {alertmanagers: [{static_configs: [{targets: ["127.0.0.1:$PORT"]}]}]}
scrape_configs: [{job_name: node, static_configs: [{targets: ["127.0.0.1:$target"]}]}]
CONF
  printf 'groups: [{name: g, rules: [{alert: InstanceDown, expr: up == 0, labels: {severity: critical}}]}]\n' > "$D/prometheus-rules.yml"
  prometheus_program --config.file="$D/prometheus.yml" --storage.tsdb.path="$D/prometheus" --web.listen-address="127.0.0.1:$port" & local daemon=$!
  trap "kill $daemon; kill \$metrics 2>/dev/null" EXIT
  until_true 40 firing alertname=InstanceDown instance="127.0.0.1:$target"
  mkdir -p "$D/target"; printf 'one 1\n' > "$D/target/metrics"
  (cd "$D/target" && exec env -u LD_LIBRARY_PATH python3 -m http.server --bind 127.0.0.1 "$target") & metrics=$!
  until_true 40 over alertname=InstanceDown instance="127.0.0.1:$target"
}
