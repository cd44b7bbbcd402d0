#!/usr/bin/env bash
# Creates the resources for `metaclip-curate deploy dataproc` and `deploy dataproc-serverless` in a project: a bucket, a
# network without access from outside, and a service account with no further rights for the machines. It runs no machine
# and costs nothing except the storage in the bucket. Existing resources are left unchanged.
#
#   deploy/dataproc/setup.sh [--dry-run] PROJECT REGION BUCKET
set -euo pipefail

dry_run=
if [ "${1-}" = --dry-run ]; then
  dry_run=1
  shift
fi
if [ $# -ne 3 ]; then
  echo "usage: $0 [--dry-run] PROJECT REGION BUCKET" >&2
  exit 2
fi
project=$1 region=$2 bucket=$3
name=metaclip-curate
account="$name@$project.iam.gserviceaccount.com"

# Runs a command, or prints it in a dry run.
run() {
  if [ -n "$dry_run" ]; then
    printf '%q ' "$@"
    echo
  else
    "$@"
  fi
}

# Succeeds if a resource is missing. A dry run sends no request and assumes so.
missing() {
  [ -n "$dry_run" ] || ! "$@" >/dev/null 2>&1
}

gcloud_() {
  run gcloud --quiet --project="$project" "$@"
}

gcloud_ services enable compute.googleapis.com dataproc.googleapis.com storage.googleapis.com

# The network: machines can reach each other and the internet, and aren't reachable from outside.
if missing gcloud --project="$project" compute networks describe "$name"; then
  gcloud_ compute networks create "$name" --subnet-mode=custom
fi
if missing gcloud --project="$project" compute networks subnets describe "$name" --region="$region"; then
  gcloud_ compute networks subnets create "$name" --network="$name" --region="$region" --range=10.64.0.0/20 \
    --enable-private-ip-google-access
fi
if missing gcloud --project="$project" compute firewall-rules describe "$name-internal"; then
  gcloud_ compute firewall-rules create "$name-internal" --network="$name" --direction=INGRESS \
    --allow=tcp,udp,icmp --source-ranges=10.64.0.0/20
fi

# The bucket for run folders, the uploaded archive, metadata and Dataproc's own files.
if missing gcloud --project="$project" storage buckets describe "gs://$bucket"; then
  gcloud_ storage buckets create "gs://$bucket" --location="$region" --uniform-bucket-level-access \
    --public-access-prevention
fi

# The machines' service account. Google requires roles/dataproc.worker, which grants access to every bucket of the
# project; the condition limits it to this one.
if missing gcloud --project="$project" iam service-accounts describe "$account"; then
  gcloud_ iam service-accounts create "$name" --display-name="metaclip-curate's machines"
fi
condition="resource.service != 'storage.googleapis.com'"
condition="$condition || resource.name == 'projects/_/buckets/$bucket'"
condition="$condition || resource.name.startsWith('projects/_/buckets/$bucket/')"
gcloud_ projects add-iam-policy-binding "$project" --member="serviceAccount:$account" --role=roles/dataproc.worker \
  --condition="title=$name,expression=$condition" --format=none

cat <<END
Done. The user who runs the command needs roles/storage.objectUser on the bucket, and:
  roles/dataproc.editor on $project
  roles/iam.serviceAccountUser on $account
Output may be written to gs://$bucket/...
END
