package gateway

import (
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/schema"
)

func text(s string) types.AttributeValue { return schema.Text(s) }

func number(n int64) types.AttributeValue { return schema.Number(n) }
