# vmalert, which notifies us as an Alertmanager; a small server answers its queries.
PACKAGES="victoria-metrics"
version() { "$T/usr/bin/vmalert" --version 2>&1 | grep -o '[0-9]*\.[0-9]*\.[0-9]*' | head -1; }
WAITS="/api/v2/alerts refuses a label name that stands twice, as vmalert 1.79 sends alertname"
needs_vmalert() { curl -sf "$B/api/v2/alerts" -H 'content-type: application/json' -d '[{"labels": {"alertname": "Twice", "alertname": "Twice"}}]' >/dev/null; }
try_vmalert() {
  local port; port=$(free_port)
  cat > "$D/queries.py" <<'PY'
import http.server, json, os, sys, time
class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        down = os.path.exists(sys.argv[2])
        result = [{"metric": {"__name__": "up", "instance": "db-01:9100"}, "value": [time.time(), "0"]}] if down else []
        body = json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}}).encode()
        self.send_response(200); self.send_header("content-type", "application/json"); self.send_header("content-length", str(len(body)))
        self.end_headers(); self.wfile.write(body)
    do_POST = do_GET
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Answers).serve_forever()
PY
  touch "$D/down"
  env -u LD_LIBRARY_PATH python3 "$D/queries.py" "$port" "$D/down" & local answers=$!
  cat > "$D/vmalert.yaml" <<'CONF'
groups:
  - name: g
    interval: 1s
    rules: [{alert: InstanceDown, expr: up == 0, labels: {severity: critical}, annotations: {summary: "{{ $labels.instance }} 宕机"}}]
CONF
  "$T/usr/bin/vmalert" -rule="$D/vmalert.yaml" -datasource.url="http://127.0.0.1:$port" -notifier.url="$B" -httpListenAddr=127.0.0.1:0 & local daemon=$!
  trap "kill $daemon $answers" EXIT
  until_true 40 firing alertname=InstanceDown instance=db-01:9100
  rm "$D/down"
  until_true 40 over alertname=InstanceDown instance=db-01:9100
}
