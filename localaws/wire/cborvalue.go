package wire

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/aws/smithy-go/encoding/cbor"
)

// jsonOfCBOR translates a request, so that CBOR and JSON have the same checks.
func jsonOfCBOR(body []byte) ([]byte, error) {
	broken := &Error{Code: "SerializationException", Message: "The request body is not valid CBOR."}
	value, err := cbor.Decode(body)
	if err != nil {
		return nil, broken
	}
	plain, err := fromCBOR(value)
	if err != nil {
		return nil, err
	}
	translated, err := json.Marshal(plain)
	if err != nil {
		return nil, broken
	}
	return translated, nil
}

func fromCBOR(value cbor.Value) (any, error) {
	switch v := value.(type) {
	case cbor.String:
		return string(v), nil
	case cbor.Slice:
		return []byte(v), nil
	case cbor.Bool:
		return bool(v), nil
	case cbor.Uint:
		return uint64(v), nil
	case cbor.NegInt:
		n, err := cbor.AsInt64(v)
		if err != nil {
			return nil, &Error{Code: "SerializationException", Message: "A number in the request is too large."}
		}
		return n, nil
	case cbor.Float32:
		return float32(v), nil
	case cbor.Float64:
		return float64(v), nil
	case *cbor.Nil, *cbor.Undefined, nil:
		return nil, nil
	case *cbor.Tag:
		t, err := cbor.AsTime(v)
		if err != nil {
			return nil, &Error{Code: "SerializationException", Message: "A tagged value in the request is not a time."}
		}
		return Epoch{t}, nil
	case cbor.List:
		all := make([]any, len(v))
		for i, element := range v {
			var err error
			if all[i], err = fromCBOR(element); err != nil {
				return nil, err
			}
		}
		return all, nil
	case cbor.Map:
		all := make(map[string]any, len(v))
		for name, element := range v {
			var err error
			if all[name], err = fromCBOR(element); err != nil {
				return nil, err
			}
		}
		return all, nil
	}
	return nil, &Error{Code: "SerializationException", Message: "The request has a value of an unknown type."}
}

// toCBOR encodes answers: structs with JSON tags, and what they hold.
func toCBOR(v reflect.Value) (cbor.Value, error) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return &cbor.Nil{}, nil
		}
		return toCBOR(v.Elem())
	case reflect.String:
		return cbor.String(v.String()), nil
	case reflect.Bool:
		return cbor.Bool(v.Bool()), nil
	case reflect.Int, reflect.Int32, reflect.Int64:
		if v.Int() < 0 {
			return cbor.NegInt(-v.Int()), nil
		}
		return cbor.Uint(v.Int()), nil
	case reflect.Float64:
		return cbor.Float64(v.Float()), nil
	case reflect.Slice:
		list := cbor.List{}
		for i := range v.Len() {
			element, err := toCBOR(v.Index(i))
			if err != nil {
				return nil, err
			}
			list = append(list, element)
		}
		return list, nil
	case reflect.Map:
		return mapToCBOR(v)
	case reflect.Struct:
		if e, ok := v.Interface().(Epoch); ok {
			return &cbor.Tag{ID: 1, Value: cbor.Float64(e.seconds())}, nil
		}
		return structToCBOR(v)
	}
	return nil, fmt.Errorf("encoding a %s as CBOR: not supported", v.Type())
}

func mapToCBOR(v reflect.Value) (cbor.Value, error) {
	all := cbor.Map{}
	for name, element := range v.Seq2() {
		value, err := toCBOR(element)
		if err != nil {
			return nil, err
		}
		all[name.String()] = value
	}
	return all, nil
}

func structToCBOR(v reflect.Value) (cbor.Value, error) {
	all := cbor.Map{}
	for i := range v.NumField() {
		field := v.Type().Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "-" || strings.Contains(options, "omit") && isEmpty(v.Field(i)) {
			continue
		}
		if name == "" {
			name = field.Name
		}
		value, err := toCBOR(v.Field(i))
		if err != nil {
			return nil, err
		}
		all[name] = value
	}
	return all, nil
}

func isEmpty(v reflect.Value) bool {
	return v.IsZero() || (v.Kind() == reflect.Slice || v.Kind() == reflect.Map) && v.Len() == 0
}
