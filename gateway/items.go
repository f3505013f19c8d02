package gateway

import (
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// The partition keys of this package's items. The name of a target other than the default comes
// before them.
const (
	budgetItems = "budget" // control-plane
	limitItems  = "limit"  // keys
)

func itemKey(target portal.Target, kind, name string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"pk": text(target.Of(kind)), "sk": text(name)}
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}
