#!/bin/sh
# Looks, before anything is provisioned, for what ARM cannot change: a requests queue that was made without sessions.
# It changes nothing.
set -eu

: "${AZURE_ENV_NAME:?not set: run it by azd, or with the values of azd env get-values}"
# azd asks for the subscription later, the first time: nothing stands there yet.
if [ -z "${AZURE_SUBSCRIPTION_ID:-}" ]; then
  exit 0
fi
queue=${VAULTBIND_REQUESTS_QUEUE:-requests}

errors=$(mktemp)
trap 'rm -f "$errors"' EXIT

unseen() {
  echo "Preflight could not look at $1: $(cat "$errors")" >&2
  echo "It goes on: where the queue has no sessions, Azure refuses the deployment itself." >&2
  exit 0
}

# The app's own group: another project may have an environment of this name.
if ! namespaces=$(az resource list --subscription "$AZURE_SUBSCRIPTION_ID" --resource-group "rg-$AZURE_ENV_NAME" \
  --resource-type Microsoft.ServiceBus/namespaces --query '[].id' --output tsv 2> "$errors"); then
  grep -qi 'not *\(be \)*found' "$errors" && exit 0
  unseen "the namespaces of rg-$AZURE_ENV_NAME"
fi

for namespace in $namespaces; do
  id=$namespace/queues/$queue
  if ! sessions=$(az resource show --ids "$id" --query properties.requiresSession --output tsv 2> "$errors"); then
    grep -qi 'not *found' "$errors" || unseen "$id"
    continue
  fi
  if [ "$sessions" != true ]; then
    cat >&2 <<END
The queue $id
was made without sessions. Vaultbind needs them, so that two looks at one cluster never overlap, and Azure cannot turn
them on in a queue that stands. Drain it, delete it, and provision again:

1. Wait until nothing is active or scheduled in it (the code that is deployed empties it; what was put off comes within a day):
   az resource show --ids "$id" --query properties.countDetails
2. az resource delete --ids "$id"
3. Begin again. Events that come meanwhile are delivered later; a sweep finds what was in the queue when it was deleted.
END
    exit 1
  fi
done
