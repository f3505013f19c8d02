# The values of all API keys follow from this key. If it is lost, no API key can be shown or made again.
resource "aws_kms_key" "keys" {
  count = local.create_key ? 1 : 0

  description              = "Gatehouse: API key values follow from it. Deleting it changes or breaks every key."
  customer_master_key_spec = "HMAC_256"
  key_usage                = "GENERATE_VERIFY_MAC"
  multi_region             = true
  deletion_window_in_days  = 30

  policy = length(var.key_users) == 0 ? local.open_policy : local.limited_policy
}

resource "aws_kms_alias" "keys" {
  count = local.create_key ? 1 : 0

  name          = "alias/${var.name}-keys"
  target_key_id = aws_kms_key.keys[0].key_id
}

locals {
  open_policy = jsonencode({
    Version = "2012-10-17"
    Id      = "key-default-1"
    Statement = [{
      Sid       = "Enable IAM User Permissions"
      Effect    = "Allow"
      Principal = { AWS = local.root }
      Action    = "kms:*"
      Resource  = "*"
    }]
  })

  limited_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "GatehouseAdministersKey"
        Effect    = "Allow"
        Principal = { AWS = local.root }
        Action = [
          "kms:CancelKeyDeletion",
          "kms:CreateAlias",
          "kms:DeleteAlias",
          "kms:Describe*",
          "kms:DisableKey",
          "kms:EnableKey",
          "kms:Get*",
          "kms:List*",
          "kms:PutKeyPolicy",
          "kms:ReplicateKey",
          "kms:ScheduleKeyDeletion",
          "kms:TagResource",
          "kms:UntagResource",
          "kms:UpdateAlias",
          "kms:UpdateKeyDescription",
          "kms:UpdatePrimaryRegion",
        ]
        Resource = "*"
      },
      {
        Sid       = "GatehouseComputesAPIKeys"
        Effect    = "Allow"
        Principal = { AWS = var.key_users }
        Action    = ["kms:DescribeKey", "kms:GenerateMac"]
        Resource  = "*"
      },
    ]
  })
}
