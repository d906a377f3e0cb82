#!/bin/sh
# Removes what lies outside the app's resource group, which is all that `azd down` deletes: event subscriptions and
# alerts, the groups for topics in other subscriptions, role assignments, the custom role. Says what could not be looked
# at or removed.
#
# With a subscription's id as its argument it takes that one off alone: the custom role stays for the others.
set -eu

if [ -z "${VAULTBIND_APP_ID:-}" ] || [ -z "${VAULTBIND_EVENTS_GROUP:-}" ]; then
  # A first deployment that failed half-way has no outputs; what it made in its group azd deletes.
  echo "Nothing was provisioned to its end. Look for what may be left outside the resource group: groups whose name begins" \
    "with rg-${AZURE_ENV_NAME:-<env>}-events-, and the custom role: az role definition list --custom-role-only" \
    "--query \"[?starts_with(roleName, 'Vaultbind')].{name:roleName, id:id}\"" >&2
  exit 0
fi
: "${AZURE_ENV_NAME:?not set: run it by azd down, or with the values of azd env get-values}"
: "${VAULTBIND_IDENTITY_PRINCIPAL_ID:?not set: run it by azd down, or with the values of azd env get-values}"
: "${VAULTBIND_ROLE_ID:?not set: run it by azd down, or with the values of azd env get-values}"
: "${VAULTBIND_MANAGED_SUBSCRIPTION_IDS:?not set: run it by azd down, or with the values of azd env get-values}"

left=0
leave() {
  left=1
  echo "$*" >&2
}

try() {
  "$@" || leave "left behind, remove it by hand: $*"
}

# What `az` lists, in $list; nothing where it cannot.
list() {
  if ! list=$(az "$@" --output tsv); then
    list=
    leave "left behind unseen, look for it by hand: az $*"
  fi
}

errors=$(mktemp)
trap 'rm -f "$errors"' EXIT

# Where the event subscription of a topic delivers to, in $function; `none` where it has none of that name.
function_of() {
  if function=$(az resource show --ids "$1/eventSubscriptions/vaultbind" \
    --query properties.destination.properties.resourceId --output tsv 2> "$errors"); then
    return
  fi
  function=none
  if ! grep -qi 'not *found' "$errors"; then
    function=unseen
    leave "left behind unseen, look for it by hand: $1/eventSubscriptions/vaultbind: $(cat "$errors")"
  fi
}

# A topic may be somebody else's: what delivers to this app alone is removed, and the alert on it.
remove_events() {
  list resource list --subscription "$1" --resource-type Microsoft.EventGrid/systemTopics --query '[].id'
  for topic in $list; do
    function_of "$topic"
    case "$function" in
      "$VAULTBIND_APP_ID"/*)
        try az resource delete --ids "$topic/eventSubscriptions/vaultbind"
        remove_alert "$1" "${topic##*/}"
        ;;
      # An earlier run may have come this far.
      none) remove_alert "$1" "${topic##*/}" ;;
    esac
  done
}

# Other projects may have an environment of this name, but no alert of this name.
remove_alert() {
  list resource list --subscription "$1" --tag "azd-env-name=$AZURE_ENV_NAME" \
    --query "[?name=='vaultbind-undelivered-$2'].id"
  for alert in $list; do
    try az resource delete --ids "$alert"
  done
}

# The name holds the deployment's token, and the tag says once more that the group is ours. The one beside the app is left
# to `azd down`, which looks for it.
remove_group() {
  case "$VAULTBIND_APP_ID" in "/subscriptions/$1/"*) return ;; esac
  list group list --subscription "$1" --tag "azd-env-name=$AZURE_ENV_NAME" \
    --query "[?name=='$VAULTBIND_EVENTS_GROUP'].name"
  for group in $list; do
    try az group delete --subscription "$1" --name "$group" --yes
  done
}

remove_assignments() {
  list role assignment list --subscription "$1" --scope "/subscriptions/$1" \
    --query "[?principalId=='$VAULTBIND_IDENTITY_PRINCIPAL_ID'].id"
  for assignment in $list; do
    try az role assignment delete --ids "$assignment"
  done
}

for subscription in $(echo "${1:-$VAULTBIND_MANAGED_SUBSCRIPTION_IDS}" | tr ',' ' '); do
  remove_events "$subscription"
  remove_group "$subscription"
  remove_assignments "$subscription"
done

if [ -z "${1:-}" ]; then
  try az role definition delete --name "${VAULTBIND_ROLE_ID##*/}" --scope "${VAULTBIND_ROLE_ID%%/providers/*}"
  # A new deployment starts without code, so without event subscriptions.
  if command -v azd > /dev/null; then azd env set VAULTBIND_EVENT_SUBSCRIPTIONS false; fi
fi
echo "The roles that Vaultbind gave to writers on vaults stay: the clusters need them to deliver credentials."
exit "$left"
