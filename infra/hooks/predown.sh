#!/bin/sh
# Removes what lies outside the app's resource group, which is all that `azd down` deletes: event subscriptions and
# alerts, the groups for topics in other subscriptions, role assignments, the custom role. Says what could not be removed.
set -eu

: "${AZURE_ENV_NAME:?not set: run it by azd down, or with the values of azd env get-values}"
: "${VAULTBIND_APP_ID:?not set: nothing was provisioned}"
: "${VAULTBIND_IDENTITY_PRINCIPAL_ID:?not set: nothing was provisioned}"
: "${VAULTBIND_ROLE_ID:?not set: nothing was provisioned}"
: "${VAULTBIND_MANAGED_SUBSCRIPTION_IDS:?not set: nothing was provisioned}"
: "${VAULTBIND_EVENTS_GROUP:?not set: nothing was provisioned}"

left=0
try() {
  if ! "$@"; then
    left=1
    echo "left behind, remove it by hand: $*" >&2
  fi
}

for subscription in $(echo "$VAULTBIND_MANAGED_SUBSCRIPTION_IDS" | tr ',' ' '); do
  for topic in $(az resource list --subscription "$subscription" \
    --resource-type Microsoft.EventGrid/systemTopics --query '[].id' --output tsv); do
    # A topic may be somebody else's: what delivers to this app alone is removed.
    function=$(az resource show --ids "$topic/eventSubscriptions/vaultbind" \
      --query properties.destination.properties.resourceId --output tsv 2>/dev/null || true)
    case "$function" in
      "$VAULTBIND_APP_ID"/*) try az resource delete --ids "$topic/eventSubscriptions/vaultbind" ;;
    esac
  done
  for alert in $(az resource list --subscription "$subscription" --tag "azd-env-name=$AZURE_ENV_NAME" \
    --query "[?type=='Microsoft.Insights/metricAlerts' || type=='microsoft.insights/metricalerts'].id" --output tsv); do
    try az resource delete --ids "$alert"
  done
  if [ "$(az group exists --subscription "$subscription" --name "$VAULTBIND_EVENTS_GROUP")" = true ]; then
    try az group delete --subscription "$subscription" --name "$VAULTBIND_EVENTS_GROUP" --yes
  fi
  for assignment in $(az role assignment list --subscription "$subscription" --scope "/subscriptions/$subscription" \
    --query "[?principalId=='$VAULTBIND_IDENTITY_PRINCIPAL_ID'].id" --output tsv); do
    try az role assignment delete --ids "$assignment"
  done
done

try az role definition delete --name "${VAULTBIND_ROLE_ID##*/}" --scope "${VAULTBIND_ROLE_ID%%/providers/*}"

# A new deployment starts without code, so without event subscriptions.
azd env set VAULTBIND_EVENT_SUBSCRIPTIONS false
echo "The roles that Vaultbind gave to writers on vaults stay: the clusters need them to deliver credentials."
exit "$left"
