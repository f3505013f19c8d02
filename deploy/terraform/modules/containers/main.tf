data "aws_caller_identity" "here" {}

data "aws_partition" "here" {}

data "aws_region" "here" {}

locals {
  account   = data.aws_caller_identity.here.account_id
  partition = data.aws_partition.here.partition
  region    = data.aws_region.here.name

  small       = var.size == "small"
  standard    = !local.small
  workers_run = var.workers == "running"
  base_url    = "https://${var.domain_name}"

  # One catalog folder, or none.
  catalogs = compact([var.catalog_bucket == "" ? "" : join("/", compact(["s3://${var.catalog_bucket}", var.catalog_prefix]))])
}
