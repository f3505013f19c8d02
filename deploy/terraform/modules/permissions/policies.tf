resource "aws_iam_policy" "portal" {
  name_prefix = "${var.name}-portal-"
  description = "What the portal of ${var.name} may do"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        {
          Sid    = "DescribeTables"
          Effect = "Allow"
          Action = "dynamodb:DescribeTable"
          Resource = [
            "${local.table}-journal",
            "${local.table}-records",
            "${local.table}-views",
            "${local.table}-usage",
            "${local.table}-sessions",
          ]
        },
        {
          Sid    = "ReadJournal"
          Effect = "Allow"
          Action = [
            "dynamodb:GetItem",
            "dynamodb:Query",
            "dynamodb:ConditionCheckItem",
          ]
          Resource = "${local.table}-journal"
        },
        # In the journal the portal writes only which identity is which account. Facts are the workers'.
        {
          Sid      = "WriteIdentities"
          Effect   = "Allow"
          Action   = "dynamodb:PutItem"
          Resource = "${local.table}-journal"
          Condition = {
            "ForAllValues:StringLike" = {
              "dynamodb:LeadingKeys" = ["identity#*"]
            }
          }
        },
        {
          Sid    = "WriteRecords"
          Effect = "Allow"
          Action = [
            "dynamodb:GetItem",
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
            "dynamodb:DeleteItem",
            "dynamodb:Query",
            "dynamodb:ConditionCheckItem",
          ]
          Resource = "${local.table}-records"
        },
        {
          Sid    = "ReadViews"
          Effect = "Allow"
          Action = [
            "dynamodb:GetItem",
            "dynamodb:Query",
          ]
          Resource = "${local.table}-views"
        },
        {
          Sid    = "ReadUsage"
          Effect = "Allow"
          Action = [
            "dynamodb:GetItem",
            "dynamodb:Query",
            "dynamodb:BatchGetItem",
          ]
          Resource = "${local.table}-usage"
        },
        {
          Sid    = "WriteSessions"
          Effect = "Allow"
          Action = [
            "dynamodb:GetItem",
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
            "dynamodb:DeleteItem",
            "dynamodb:Query",
          ]
          Resource = "${local.table}-sessions"
        },
        {
          Sid    = "ReadQueues"
          Effect = "Allow"
          Action = [
            "sqs:GetQueueUrl",
            "sqs:GetQueueAttributes",
          ]
          Resource = concat([
            "${local.queue}-commands.fifo",
            "${local.queue}-commands-dlq.fifo",
            "${local.queue}-provisioning",
            "${local.queue}-provisioning-dlq",
            "${local.queue}-projections.fifo",
            "${local.queue}-projections-dlq.fifo",
            "${local.queue}-jobs.fifo",
            "${local.queue}-jobs-dlq.fifo",
            "${local.queue}-notices.fifo",
            "${local.queue}-notices-dlq.fifo",
            "${local.queue}-deliveries",
            "${local.queue}-deliveries-dlq",
            "${local.queue}-marketplace",
            "${local.queue}-marketplace-dlq",
          ], var.trail == "on" ? ["${local.queue}-trail", "${local.queue}-trail-dlq"] : [])
        },
        {
          Sid    = "SendRequests"
          Effect = "Allow"
          Action = "sqs:SendMessage"
          Resource = [
            "${local.queue}-commands.fifo",
            "${local.queue}-projections.fifo",
            "${local.queue}-jobs.fifo",
            "${local.queue}-deliveries",
          ]
        },
        {
          Sid      = "PublishFeedback"
          Effect   = "Allow"
          Action   = "sns:Publish"
          Resource = "${local.topic}-feedback"
        },
        {
          Sid    = "ComputeKeys"
          Effect = "Allow"
          Action = [
            "kms:DescribeKey",
            "kms:GenerateMac",
          ]
          Resource = var.kms_key_arn
        },
      ],
      length(var.former_kms_key_arns) > 0 ? [{
        Sid    = "ComputeFormerKeys"
        Effect = "Allow"
        Action = [
          "kms:DescribeKey",
          "kms:GenerateMac",
        ]
        Resource = var.former_kms_key_arns
      }] : [],
      var.adopted_keys ? [{
        Sid      = "RevealAdoptedKeys"
        Effect   = "Allow"
        Action   = "apigateway:GET"
        Resource = "${local.control_plane}/apikeys/*"
      }] : [],
      var.marketplace_role_arn != "" ? [{
        Sid      = "AssumeSeller"
        Effect   = "Allow"
        Action   = "sts:AssumeRole"
        Resource = var.marketplace_role_arn
      }] : [],
      var.seller ? [{
        Sid    = "ResolveBuyers"
        Effect = "Allow"
        Action = [
          "aws-marketplace:ResolveCustomer",
          "aws-marketplace:GetEntitlements",
          "aws-marketplace:SearchAgreements",
          "aws-marketplace:GetAgreementTerms",
        ]
        Resource = "*"
      }] : [],
    )
  })
}

resource "aws_iam_policy" "worker" {
  name_prefix = "${var.name}-worker-"
  description = "What the workers of ${var.name} may do"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        {
          Sid    = "WriteJournal"
          Effect = "Allow"
          Action = [
            "dynamodb:Query",
            "dynamodb:PutItem",
            "dynamodb:DeleteItem",
            "dynamodb:ConditionCheckItem",
            "dynamodb:Scan",
          ]
          Resource = "${local.table}-journal"
        },
        {
          Sid    = "WriteRecords"
          Effect = "Allow"
          Action = [
            "dynamodb:GetItem",
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
            "dynamodb:DeleteItem",
            "dynamodb:Query",
            "dynamodb:ConditionCheckItem",
          ]
          Resource = "${local.table}-records"
        },
        {
          Sid    = "WriteViews"
          Effect = "Allow"
          Action = [
            "dynamodb:GetItem",
            "dynamodb:PutItem",
            "dynamodb:Query",
            "dynamodb:Scan",
            "dynamodb:BatchGetItem",
            "dynamodb:BatchWriteItem",
          ]
          Resource = "${local.table}-views"
        },
        {
          Sid    = "WriteUsage"
          Effect = "Allow"
          Action = [
            "dynamodb:GetItem",
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
            "dynamodb:DeleteItem",
            "dynamodb:Query",
            "dynamodb:BatchGetItem",
          ]
          Resource = "${local.table}-usage"
        },
        {
          Sid    = "EndSessions"
          Effect = "Allow"
          Action = [
            "dynamodb:PutItem",
            "dynamodb:Query",
            "dynamodb:DeleteItem",
          ]
          Resource = "${local.table}-sessions"
        },
        {
          Sid    = "TakeMessages"
          Effect = "Allow"
          Action = [
            "sqs:GetQueueUrl",
            "sqs:ReceiveMessage",
            "sqs:DeleteMessage",
            "sqs:ChangeMessageVisibility",
          ]
          Resource = concat([
            "${local.queue}-commands.fifo",
            "${local.queue}-commands-dlq.fifo",
            "${local.queue}-provisioning",
            "${local.queue}-provisioning-dlq",
            "${local.queue}-projections.fifo",
            "${local.queue}-projections-dlq.fifo",
            "${local.queue}-jobs.fifo",
            "${local.queue}-jobs-dlq.fifo",
            "${local.queue}-notices.fifo",
            "${local.queue}-notices-dlq.fifo",
            "${local.queue}-deliveries",
            "${local.queue}-deliveries-dlq",
            "${local.queue}-marketplace",
            "${local.queue}-marketplace-dlq",
          ], var.trail == "on" ? ["${local.queue}-trail", "${local.queue}-trail-dlq"] : [])
        },
        {
          Sid    = "SendMessages"
          Effect = "Allow"
          Action = "sqs:SendMessage"
          Resource = [
            "${local.queue}-commands.fifo",
            "${local.queue}-provisioning",
            "${local.queue}-projections.fifo",
            "${local.queue}-jobs.fifo",
            "${local.queue}-notices.fifo",
            "${local.queue}-deliveries",
          ]
        },
        {
          Sid      = "PublishFacts"
          Effect   = "Allow"
          Action   = "sns:Publish"
          Resource = "${local.topic}-events.fifo"
        },
        {
          Sid    = "ComputeKeys"
          Effect = "Allow"
          Action = [
            "kms:DescribeKey",
            "kms:GenerateMac",
          ]
          Resource = var.kms_key_arn
        },
      ],
      length(var.former_kms_key_arns) > 0 ? [{
        Sid    = "ComputeFormerKeys"
        Effect = "Allow"
        Action = [
          "kms:DescribeKey",
          "kms:GenerateMac",
        ]
        Resource = var.former_kms_key_arns
      }] : [],
      var.marketplace_role_arn != "" ? [{
        Sid      = "AssumeSeller"
        Effect   = "Allow"
        Action   = "sts:AssumeRole"
        Resource = var.marketplace_role_arn
      }] : [],
      var.seller ? [{
        Sid    = "MeterAndReadAgreements"
        Effect = "Allow"
        Action = [
          "aws-marketplace:BatchMeterUsage",
          "aws-marketplace:GetEntitlements",
          "aws-marketplace:SearchAgreements",
          "aws-marketplace:GetAgreementEntitlements",
          "aws-marketplace:GetAgreementTerms",
        ]
        Resource = "*"
      }] : [],
    )
  })
}

# IAM limits the length of a policy, so this is one of its own.
resource "aws_iam_policy" "control_plane" {
  name_prefix = "${var.name}-control-plane-"
  description = "What the workers of ${var.name} may do beyond its own resources"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        # The ids of plans, keys and APIs are not known beforehand. "*" stands for slashes, too.
        {
          Sid    = "ReadControlPlane"
          Effect = "Allow"
          Action = "apigateway:GET"
          Resource = [
            "${local.control_plane}/usageplans",
            "${local.control_plane}/usageplans/*",
            "${local.control_plane}/apikeys",
            "${local.control_plane}/apikeys/*",
            "${local.control_plane}/restapis",
            "${local.control_plane}/restapis/*/stages",
            "${local.control_plane}/restapis/*/stages/*/exports/*",
            "${local.control_plane}/restapis/*/stages/*/sdks/*",
            "${local.control_plane}/sdktypes",
            "${local.control_plane}/domainnames",
            "${local.control_plane}/domainnames/*/basepathmappings",
          ]
        },
        {
          Sid    = "CreateAndAttachKeys"
          Effect = "Allow"
          Action = "apigateway:POST"
          Resource = [
            "${local.control_plane}/apikeys",
            "${local.control_plane}/usageplans/*/keys",
          ]
        },
        {
          Sid    = "ChangeKeysAndTheirUsage"
          Effect = "Allow"
          Action = "apigateway:PATCH"
          Resource = [
            "${local.control_plane}/apikeys/*",
            "${local.control_plane}/usageplans/*/keys/*/usage",
          ]
        },
        {
          Sid    = "DetachAndDeleteKeys"
          Effect = "Allow"
          Action = "apigateway:DELETE"
          Resource = [
            "${local.control_plane}/apikeys/*",
            "${local.control_plane}/usageplans/*/keys/*",
          ]
        },
      ],
      var.catalog_bucket != "" ? [merge(
        {
          Sid      = "ListCatalogFolder"
          Effect   = "Allow"
          Action   = "s3:ListBucket"
          Resource = "${local.buckets}${var.catalog_bucket}"
        },
        { for prefix in compact([var.catalog_prefix]) : "Condition" => { StringEquals = { "s3:prefix" = "${prefix}/" } } },
      )] : [],
      var.catalog_bucket != "" ? [{
        Sid      = "ReadCatalogFolder"
        Effect   = "Allow"
        Action   = "s3:GetObject"
        Resource = var.catalog_prefix != "" ? "${local.buckets}${var.catalog_bucket}/${var.catalog_prefix}/*" : "${local.buckets}${var.catalog_bucket}/*"
      }] : [],
      var.ses_identity_arn != "" ? [{
        Sid      = "SendMail"
        Effect   = "Allow"
        Action   = "ses:SendEmail"
        Resource = var.ses_identity_arn
      }] : [],
      var.operators_topic_arn != "" ? [{
        Sid      = "TellOperators"
        Effect   = "Allow"
        Action   = "sns:Publish"
        Resource = var.operators_topic_arn
      }] : [],
    )
  })
}
