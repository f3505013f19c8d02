package backup

import (
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

type item = map[string]types.AttributeValue

// value is an attribute in DynamoDB's own JSON.
type value struct {
	S    *string           `json:"S,omitempty"`
	N    *string           `json:"N,omitempty"`
	B    *[]byte           `json:"B,omitempty"`
	BOOL *bool             `json:"BOOL,omitempty"`
	NULL *bool             `json:"NULL,omitempty"`
	M    *map[string]value `json:"M,omitempty"`
	L    *[]value          `json:"L,omitempty"`
	SS   []string          `json:"SS,omitempty"`
	NS   []string          `json:"NS,omitempty"`
	BS   [][]byte          `json:"BS,omitempty"`
}

func encodeItem(of item) (map[string]value, error) {
	all := make(map[string]value, len(of))
	for name, attribute := range of {
		v, err := encode(attribute)
		if err != nil {
			return nil, fmt.Errorf("attribute %s: %w", name, err)
		}
		all[name] = v
	}
	return all, nil
}

func encode(attribute types.AttributeValue) (value, error) {
	switch a := attribute.(type) {
	case *types.AttributeValueMemberS:
		return value{S: &a.Value}, nil
	case *types.AttributeValueMemberN:
		return value{N: &a.Value}, nil
	case *types.AttributeValueMemberB:
		return value{B: &a.Value}, nil
	case *types.AttributeValueMemberBOOL:
		return value{BOOL: &a.Value}, nil
	case *types.AttributeValueMemberNULL:
		return value{NULL: &a.Value}, nil
	case *types.AttributeValueMemberSS:
		return value{SS: a.Value}, nil
	case *types.AttributeValueMemberNS:
		return value{NS: a.Value}, nil
	case *types.AttributeValueMemberBS:
		return value{BS: a.Value}, nil
	case *types.AttributeValueMemberM:
		members, err := encodeItem(a.Value)
		return value{M: &members}, err
	case *types.AttributeValueMemberL:
		list := make([]value, len(a.Value))
		for i, one := range a.Value {
			v, err := encode(one)
			if err != nil {
				return value{}, err
			}
			list[i] = v
		}
		return value{L: &list}, nil
	}
	return value{}, fmt.Errorf("%T is no kind of attribute that a backup knows", attribute)
}

func decodeItem(of map[string]value) (item, error) {
	all := make(item, len(of))
	for name, v := range of {
		attribute, err := v.decode()
		if err != nil {
			return nil, fmt.Errorf("attribute %q: %w", name, err)
		}
		all[name] = attribute
	}
	return all, nil
}

func (v value) decode() (types.AttributeValue, error) {
	var found []types.AttributeValue
	if v.S != nil {
		found = append(found, &types.AttributeValueMemberS{Value: *v.S})
	}
	if v.N != nil {
		found = append(found, &types.AttributeValueMemberN{Value: *v.N})
	}
	if v.B != nil {
		found = append(found, &types.AttributeValueMemberB{Value: *v.B})
	}
	if v.BOOL != nil {
		found = append(found, &types.AttributeValueMemberBOOL{Value: *v.BOOL})
	}
	if v.NULL != nil {
		found = append(found, &types.AttributeValueMemberNULL{Value: *v.NULL})
	}
	if v.SS != nil {
		found = append(found, &types.AttributeValueMemberSS{Value: v.SS})
	}
	if v.NS != nil {
		found = append(found, &types.AttributeValueMemberNS{Value: v.NS})
	}
	if v.BS != nil {
		found = append(found, &types.AttributeValueMemberBS{Value: v.BS})
	}
	if v.M != nil {
		members, err := decodeItem(*v.M)
		if err != nil {
			return nil, err
		}
		found = append(found, &types.AttributeValueMemberM{Value: members})
	}
	if v.L != nil {
		list := make([]types.AttributeValue, len(*v.L))
		for i, one := range *v.L {
			attribute, err := one.decode()
			if err != nil {
				return nil, err
			}
			list[i] = attribute
		}
		found = append(found, &types.AttributeValueMemberL{Value: list})
	}
	if len(found) != 1 {
		return nil, fmt.Errorf("it has %d kinds, want one", len(found))
	}
	return found[0], nil
}

// UnmarshalJSON refuses kinds that this version does not know.
func (v *value) UnmarshalJSON(body []byte) error {
	type plain value
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil {
		return err
	}
	for name := range members {
		switch name {
		case "S", "N", "B", "BOOL", "NULL", "M", "L", "SS", "NS", "BS":
		default:
			return fmt.Errorf("%q is no kind of attribute", name)
		}
	}
	return json.Unmarshal(body, (*plain)(v))
}
