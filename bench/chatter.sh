#!/bin/bash
# Stands in for a busy run: 20 lines a second of Claude Code's own format, without starting a process for each.
exec {never}<> <(:)
line='{"type":"assistant","message":{"id":"msg_1","model":"sonnet","content":[{"type":"tool_use","id":"toolu_1","name":"Bash","input":{"command":"npm test -- --run src/search.test.ts","description":"Run the tests of the search"}}],"usage":{"input_tokens":12,"output_tokens":240,"cache_read_input_tokens":30000,"cache_creation_input_tokens":400}},"session_id":"0b1c2d3e-0000-4000-8000-000000000000"}'
echo '{"type":"system","subtype":"init","session_id":"0b1c2d3e-0000-4000-8000-000000000000"}'
while :; do
  echo "$line"
  read -r -t 0.05 -u "$never"
done
