package projections

import (
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Limits of DynamoDB (Developer Guide, quotas): 100 actions and 4 MB in a transaction, 400 KB in
// an item. A quarter of the 4 MB stays free, because the guide does not say what counts besides
// the items.
const (
	maxActions = 100
	maxPayload = 3 << 20
	maxItem    = 400 << 10
)

// parts splits the puts, in order, into transactions that DynamoDB accepts. A row that is too
// large for an item is alone, so that only it fails.
func parts(puts []*types.Put) [][]*types.Put {
	var all [][]*types.Put
	begin, payload := 0, 0
	for i, put := range puts {
		size := payloadOf(put)
		if size > maxItem {
			size = maxPayload
		}
		if i > begin && (i-begin == maxActions || payload+size > maxPayload) {
			all = append(all, puts[begin:i])
			begin, payload = i, 0
		}
		payload += size
	}
	return append(all, puts[begin:])
}

const perItem = 100

func payloadOf(put *types.Put) int {
	return perItem + attributesSize(put.Item) + attributesSize(put.ExpressionAttributeValues)
}

func attributesSize(attributes map[string]types.AttributeValue) int {
	size := 0
	for name, value := range attributes {
		size += len(name) + valueSize(value)
	}
	return size
}

// valueSize returns the most bytes that the value can take (Developer Guide, "DynamoDB item sizes
// and formats"). Types that no row uses count as a whole item.
func valueSize(value types.AttributeValue) int {
	switch v := value.(type) {
	case *types.AttributeValueMemberS:
		return len(v.Value)
	case *types.AttributeValueMemberN:
		return 21
	case *types.AttributeValueMemberBOOL, *types.AttributeValueMemberNULL:
		return 1
	case *types.AttributeValueMemberL:
		size := 3
		for _, element := range v.Value {
			size += 1 + valueSize(element)
		}
		return size
	case *types.AttributeValueMemberM:
		return 3 + len(v.Value) + attributesSize(v.Value)
	}
	return maxItem
}
