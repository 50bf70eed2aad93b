#!/usr/bin/env bash
# Alertmanager 0.25.0 (Debian 12) and `group_by: []` of a child route.
#
# The list looks like the way to group all alerts of a route into one. It says nothing: the child keeps the labels of the
# route above it, exactly as without the line. An importer that takes it at its word merges what Alertmanager keeps apart.
#
# Needs apt (Debian 12), dpkg and python3. Exit code 0: it still behaves so.
set -euo pipefail
d=$(mktemp -d); server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; wait 2>/dev/null; rm -rf "$d"' EXIT
cd "$d"
apt-get download -qq prometheus-alertmanager=0.25.0-1+b4 >/dev/null
dpkg -x prometheus-alertmanager_*.deb root
cat > config.yml <<'YAML'
route:
  receiver: root
  group_by: [alertname]
  routes:
    - {receiver: said, matchers: ['team="said"'], group_by: []}
    - {receiver: silent, matchers: ['team="silent"']}
receivers: [{name: root}, {name: said}, {name: silent}]
YAML
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
root/usr/bin/prometheus-alertmanager --config.file=config.yml --storage.path="$d/data" --cluster.listen-address= \
  --web.listen-address="127.0.0.1:$port" 2>log & server=$!

python3 - "$port" "$server" <<'PY'
import json, os, sys, time, urllib.request
base, server = f'http://127.0.0.1:{sys.argv[1]}', int(sys.argv[2])

def ask(path, body=None):
    request = urllib.request.Request(base + path, body and json.dumps(body).encode(), {'Content-Type': 'application/json'})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.read()

def until(what, ask):
    end = time.monotonic() + 30
    while time.monotonic() < end:
        os.kill(server, 0)
        try:
            if found := ask():
                return found
        except OSError:
            pass
        time.sleep(0.1)
    sys.exit(f'waited in vain for {what}')

until('the server', lambda: ask('/-/ready') is not None)
print('Alertmanager', json.loads(ask('/api/v2/status'))['versionInfo']['version'])
ask('/api/v2/alerts', [{'labels': {'alertname': name, 'team': team}} for name in ('A', 'B') for team in ('said', 'silent')])
groups = until('four groups', lambda: len(found := json.loads(ask('/api/v2/alerts/groups'))) >= 4 and found)
for team in ('said', 'silent'):
    labels = sorted(json.dumps(group['labels']) for group in groups if group['receiver']['name'] == team)
    print(f'receiver {team}: groups {labels}')
    assert labels == ['{"alertname": "A"}', '{"alertname": "B"}'], 'group_by: [] means something now'
print('group_by: [] of a child is the group_by of its parent')
PY
