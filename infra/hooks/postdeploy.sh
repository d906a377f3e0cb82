#!/bin/sh
# Creates the event subscriptions once the function is there: Event Grid checks that it is.
set -eu

if [ "${VAULTBIND_EVENT_SUBSCRIPTIONS:-false}" = true ]; then
  echo "The event subscriptions are part of the deployment already."
  exit 0
fi

azd env set VAULTBIND_EVENT_SUBSCRIPTIONS true
echo "The code is there; provisioning once more for the event subscriptions."
if ! VAULTBIND_EVENT_SUBSCRIPTIONS=true azd provision --no-prompt; then
  azd env set VAULTBIND_EVENT_SUBSCRIPTIONS false
  echo "The event subscriptions were not created; \`azd deploy\` tries again. Sweeps run meanwhile." >&2
  exit 1
fi
