package conformance

import (
	"fmt"
	"io"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"

	dynamo "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// attributeValues are the only union that the tables use: {"S": "a"} there, types of their own
// in the SDK.
var attributeValues = map[string]reflect.Type{
	"B":    reflect.TypeFor[dynamo.AttributeValueMemberB](),
	"BOOL": reflect.TypeFor[dynamo.AttributeValueMemberBOOL](),
	"L":    reflect.TypeFor[dynamo.AttributeValueMemberL](),
	"M":    reflect.TypeFor[dynamo.AttributeValueMemberM](),
	"N":    reflect.TypeFor[dynamo.AttributeValueMemberN](),
	"NS":   reflect.TypeFor[dynamo.AttributeValueMemberNS](),
	"NULL": reflect.TypeFor[dynamo.AttributeValueMemberNULL](),
	"S":    reflect.TypeFor[dynamo.AttributeValueMemberS](),
	"SS":   reflect.TypeFor[dynamo.AttributeValueMemberSS](),
}

var (
	attributeValue = reflect.TypeFor[dynamo.AttributeValue]()
	reader         = reflect.TypeFor[io.Reader]()
	readCloser     = reflect.TypeFor[io.ReadCloser]()
	instant        = reflect.TypeFor[time.Time]()
	octets         = reflect.TypeFor[[]byte]()
)

// decode puts JSON into a type of the SDK. An unknown member or a wrong kind is an error.
func decode(in any, v reflect.Value) error {
	switch v.Type() {
	case attributeValue:
		return decodeAttributeValue(in, v)
	case reader, octets, instant:
		return decodeText(in, v)
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return decode(in, v.Elem())
	case reflect.Struct:
		return decodeStruct(in, v)
	case reflect.Map:
		return decodeMap(in, v)
	case reflect.Slice:
		list, ok := in.([]any)
		if !ok {
			return fmt.Errorf("%v is not a list", in)
		}
		v.Set(reflect.MakeSlice(v.Type(), len(list), len(list)))
		for i := range list {
			if err := decode(list[i], v.Index(i)); err != nil {
				return err
			}
		}
		return nil
	}
	return decodeScalar(in, v)
}

func decodeStruct(in any, v reflect.Value) error {
	members, ok := in.(map[string]any)
	if !ok {
		return fmt.Errorf("%v is not an object", in)
	}
	for name, value := range members {
		field := v.FieldByName(name)
		if !field.IsValid() {
			return fmt.Errorf("%s has no member %s", v.Type(), name)
		}
		if err := decode(value, field); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func decodeMap(in any, v reflect.Value) error {
	members, ok := in.(map[string]any)
	if !ok {
		return fmt.Errorf("%v is not a map", in)
	}
	v.Set(reflect.MakeMap(v.Type()))
	for key, value := range members {
		item := reflect.New(v.Type().Elem()).Elem()
		if err := decode(value, item); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		v.SetMapIndex(reflect.ValueOf(key), item)
	}
	return nil
}

func decodeAttributeValue(in any, v reflect.Value) error {
	members, _ := in.(map[string]any)
	for kind, value := range members {
		typ, ok := attributeValues[kind]
		if !ok || len(members) != 1 {
			break
		}
		member := reflect.New(typ)
		v.Set(member)
		return decode(value, member.Elem().FieldByName("Value"))
	}
	return fmt.Errorf("%v is not an attribute value", in)
}

func decodeText(in any, v reflect.Value) error {
	text, ok := in.(string)
	if !ok {
		return fmt.Errorf("%v is not a string", in)
	}
	switch v.Type() {
	case octets:
		v.SetBytes([]byte(text))
	case reader:
		v.Set(reflect.ValueOf(strings.NewReader(text)))
	case instant:
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return err
		}
		v.Set(reflect.ValueOf(at))
	}
	return nil
}

func decodeScalar(in any, v reflect.Value) error {
	switch value := in.(type) {
	case string:
		if v.Kind() == reflect.String {
			v.SetString(value)
			return nil
		}
	case bool:
		if v.Kind() == reflect.Bool {
			v.SetBool(value)
			return nil
		}
	case float64:
		if v.CanInt() {
			v.SetInt(int64(value))
			return nil
		}
		if v.CanFloat() {
			v.SetFloat(value)
			return nil
		}
	}
	return fmt.Errorf("%v is not a %s", in, v.Type())
}

// encode turns a value of the SDK into structure, mapping, []any, string, float64, bool or nil.
// Empty values are nil, since the wire does not tell them from absent ones. Bytes that are not
// text become hexadecimal.
func encode(v reflect.Value) any {
	switch {
	case !v.IsValid():
		return nil
	case v.Type() == instant:
		return v.Interface().(time.Time).UTC().Format(time.RFC3339)
	case v.Type() == octets:
		if !utf8.Valid(v.Bytes()) {
			return fmt.Sprintf("%x", v.Bytes())
		}
		return orNil(string(v.Bytes()))
	case v.Type() == readCloser && !v.IsNil():
		body := v.Interface().(io.ReadCloser)
		defer body.Close()
		text, err := io.ReadAll(body)
		if err != nil {
			return err.Error()
		}
		return string(text)
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return nil
		}
		for kind, typ := range attributeValues {
			if v.Elem().Type() == typ {
				return structure{kind: encodeValue(v.Elem().FieldByName("Value"))}
			}
		}
		if v.Elem().Kind() == reflect.String {
			return v.Elem().String() // an empty string behind a pointer counts
		}
		return encode(v.Elem())
	case reflect.Struct:
		s := structure{}
		for i := range v.NumField() {
			if field := v.Type().Field(i); field.IsExported() && field.Name != "ResultMetadata" {
				s[field.Name] = encode(v.Field(i))
			}
		}
		return s
	case reflect.Map:
		m := mapping{}
		for _, key := range v.MapKeys() {
			m[key.String()] = encode(v.MapIndex(key))
		}
		if len(m) == 0 {
			return nil
		}
		return m
	case reflect.Slice:
		var list []any
		for i := range v.Len() {
			list = append(list, encode(v.Index(i)))
		}
		if list == nil {
			return nil
		}
		return list
	case reflect.String:
		return orNil(v.String())
	case reflect.Bool:
		return v.Bool()
	}
	switch {
	case v.CanInt():
		return float64(v.Int())
	case v.CanFloat():
		return v.Float()
	}
	return fmt.Sprintf("a value of type %s", v.Type())
}

// encodeValue is encode for attribute values, which may be empty.
func encodeValue(v reflect.Value) any {
	switch {
	case v.Kind() == reflect.String:
		return v.String()
	case v.Kind() == reflect.Map && v.Len() == 0:
		return mapping{}
	case v.Kind() == reflect.Slice && v.Type() != octets && v.Len() == 0:
		return []any{}
	}
	return encode(v)
}

func orNil(text string) any {
	if text == "" {
		return nil
	}
	return text
}
