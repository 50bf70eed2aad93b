#!/bin/sh
# The correlation stream of the shared harness through `watchfire replay`: replay.sh BIN PYTHON RULES_JSON EVENTS OUT
#
# The neutral rules are translated once, beside them. An outcome is a rule's firing, or a pair's end where that counts.
set -e
rules="${3%.json}.yaml"
if [ ! -s "$rules" ] || [ "$3" -nt "$rules" ]; then
    "$2" "$(dirname "$0")/translate.py" "$3" > "$rules"
fi
"$1" replay "$4" --rules "$rules" --points --firings "$5.firings"
awk '
    $1 == "raised" && $2 == "pair" { print "pair_open", $3 }
    $1 == "cleared" && $2 == "pair" { print "pair_close", $3 }
    $1 == "cleared" && $2 == "pair_window" { print "pw_recovered", $3 }
    $1 == "raised" && $2 != "pair" && $2 != "pair_window" && $4 != "end" { print $2, $3 }
' "$5.firings" > "$5"
