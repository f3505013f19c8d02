package cognito

import "encoding/base64"

const mostPerPage = 60

// page requires items ordered by name. A token holds the previous page's last name; next is
// empty on the last page.
func page[T any](items []T, name func(T) string, limit *int, token string) (shown []T, next string, err error) {
	size := mostPerPage
	if limit != nil && *limit > 0 {
		size = *limit
	}
	after, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return nil, "", invalid("Invalid pagination token")
	}
	from := 0
	for token != "" && from < len(items) && name(items[from]) <= string(after) {
		from++
	}
	shown = append([]T{}, items[from:]...)
	if len(shown) > size {
		shown = shown[:size]
		next = base64.RawURLEncoding.EncodeToString([]byte(name(shown[size-1])))
	}
	return shown, next, nil
}
