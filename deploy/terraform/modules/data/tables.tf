# Journal, records and usage cannot be restored from anything else. They come last and are destroyed first, so a destroy
# that AWS refuses has deleted nothing.
resource "aws_dynamodb_table" "primary" {
  for_each = {
    journal = { expires = false }
    records = { expires = true }
    usage   = { expires = false }
  }

  name                        = "${var.name}-${each.key}"
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "pk"
  range_key                   = "sk"
  deletion_protection_enabled = var.protect

  attribute {
    name = "pk"
    type = "S"
  }

  attribute {
    name = "sk"
    type = "S"
  }

  dynamic "ttl" {
    for_each = each.value.expires ? ["expires_at"] : []

    content {
      attribute_name = ttl.value
      enabled        = true
    }
  }

  point_in_time_recovery {
    enabled = true
  }

  depends_on = [
    aws_dynamodb_table.derived,
    aws_kms_alias.keys,
    aws_sns_topic.feedback,
    aws_sns_topic_subscription.events,
    aws_sqs_queue_policy.marketplace,
  ]
}

# Views follow from the journal. Without sessions, people sign in again.
resource "aws_dynamodb_table" "derived" {
  for_each = {
    views    = { expires = false }
    sessions = { expires = true }
  }

  name         = "${var.name}-${each.key}"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "pk"
  range_key    = "sk"

  attribute {
    name = "pk"
    type = "S"
  }

  attribute {
    name = "sk"
    type = "S"
  }

  dynamic "ttl" {
    for_each = each.value.expires ? ["expires_at"] : []

    content {
      attribute_name = ttl.value
      enabled        = true
    }
  }
}
