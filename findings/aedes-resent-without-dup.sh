#!/usr/bin/env bash
# aedes 0.51.3 (an MQTT broker for Node.js) and the DUP flag of what it sends again.
#
# MQTT 3.1.1 (3.3.1.1) says that a PUBLISH which is sent again carries DUP = 1. In a session that is taken up again aedes
# sends the unacknowledged messages with the packet ids that they had, and DUP = 0. A client that takes DUP = 0 for news
# counts such a message twice; the packet id and the content are what tells.
#
# Needs node, npm and python3. Exit code 0: it still behaves so.
set -euo pipefail
d=$(mktemp -d); broker=
trap '[ -z "$broker" ] || kill "$broker" 2>/dev/null; wait 2>/dev/null; rm -rf "$d"' EXIT
cd "$d"
npm install --silent --no-audit --no-fund aedes@0.51.3 >/dev/null
cat > broker.js <<'JS'
const aedes = require('aedes')()
const server = require('net').createServer(aedes.handle)
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
JS
node broker.js > port & broker=$!
until [ -s port ]; do kill -0 "$broker"; read -rt 0.1 <> <(:) || true; done

python3 - "$(cat port)" <<'PY'
import socket, struct, sys

def text(value):
    return struct.pack('!H', len(value)) + value

class Client:
    def __init__(self, name, clean):
        self.socket = socket.create_connection(('127.0.0.1', int(sys.argv[1])), timeout=20)
        self.send(0x10, text(b'MQTT') + bytes([4, 2 if clean else 0]) + struct.pack('!H', 60) + text(name))
        self.session_present = self.receive()[1][0]

    def send(self, kind, body):
        self.socket.sendall(bytes([kind, len(body)]) + body)

    def exactly(self, count):
        data = b''
        while len(data) < count:
            more = self.socket.recv(count - len(data))
            if not more:
                sys.exit('the broker closed the connection')
            data += more
        return data

    def receive(self):
        kind, length = self.exactly(2)
        return kind, self.exactly(length)

    def publishes(self, count):
        found = []
        while len(found) < count:
            kind, body = self.receive()
            if kind & 0xF0 == 0x30:
                begin = 2 + struct.unpack('!H', body[:2])[0]
                found.append((kind >> 3 & 1, struct.unpack('!H', body[begin:begin + 2])[0], body[begin + 2:].decode()))
        return found

reader = Client(b'reader', clean=False)
reader.send(0x82, struct.pack('!H', 1) + text(b'alarms') + b'\x01')
reader.receive()
writer = Client(b'writer', clean=True)
for number in (1, 2, 3):
    writer.send(0x32, text(b'alarms') + struct.pack('!H', number) + b'alarm %d' % number)
first = reader.publishes(3)
reader.socket.close()  # without an acknowledgement

reader = Client(b'reader', clean=False)
again = reader.publishes(3)
print('session present:', reader.session_present)
for before, after in zip(first, again):
    print('first (dup, packet id, content):', before, ' again:', after)
assert reader.session_present == 1
assert [(packet, content) for _, packet, content in first] == [(packet, content) for _, packet, content in again]
assert [dup for dup, _, _ in again] == [0, 0, 0], 'aedes sets DUP now'
print('aedes 0.51.3 sends again with the same packet ids and DUP = 0')
PY
