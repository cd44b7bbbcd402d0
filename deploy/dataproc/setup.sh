#!/usr/bin/env bash
# What `metaclip-curate deploy dataproc` and `deploy dataproc-serverless` need in a project: a bucket, a network that
# nobody can enter, and an account for the machines that may do this and nothing else. It runs no machine and costs
# nothing but what the bucket holds. What is there already stays as it is.
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

# Runs a command, or shows it.
run() {
  if [ -n "$dry_run" ]; then
    printf '%q ' "$@"
    echo
  else
    "$@"
  fi
}

# Is it there? A dry run asks nobody and takes it for missing.
missing() {
  [ -n "$dry_run" ] || ! "$@" >/dev/null 2>&1
}

gcloud_() {
  run gcloud --quiet --project="$project" "$@"
}

gcloud_ services enable compute.googleapis.com dataproc.googleapis.com storage.googleapis.com

# The network: machines talk to each other and out, nobody talks to them.
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

# The bucket of the run folders, of the uploaded archive, of metadata and of Dataproc's own files.
if missing gcloud --project="$project" storage buckets describe "gs://$bucket"; then
  gcloud_ storage buckets create "gs://$bucket" --location="$region" --uniform-bucket-level-access \
    --public-access-prevention
fi

# The machines' account. roles/dataproc.worker is what Google asks for; it reaches every bucket of the project, so that
# the condition holds it to the one.
if missing gcloud --project="$project" iam service-accounts describe "$account"; then
  gcloud_ iam service-accounts create "$name" --display-name="metaclip-curate's machines"
fi
condition="resource.service != 'storage.googleapis.com'"
condition="$condition || resource.name == 'projects/_/buckets/$bucket'"
condition="$condition || resource.name.startsWith('projects/_/buckets/$bucket/')"
gcloud_ projects add-iam-policy-binding "$project" --member="serviceAccount:$account" --role=roles/dataproc.worker \
  --condition="title=$name,expression=$condition" --format=none

cat <<END
Done. Who runs the command needs, beside the bucket's roles/storage.objectUser:
  roles/dataproc.editor on $project
  roles/iam.serviceAccountUser on $account
Output goes to gs://$bucket/...
END
