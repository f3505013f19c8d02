resource "aws_dynamodb_table" "journal" {
  name                        = "journal"
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "stream"
  range_key                   = "seq"
  deletion_protection_enabled = false
  tags                        = { edition = var.edition }

  attribute {
    name = "stream"
    type = "S"
  }

  attribute {
    name = "seq"
    type = "N"
  }

  point_in_time_recovery {
    enabled = local.second
  }
}

resource "aws_dynamodb_table" "views" {
  name         = "views"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "pk"

  attribute {
    name = "pk"
    type = "S"
  }

  ttl {
    attribute_name = "expires"
    enabled        = true
  }
}
