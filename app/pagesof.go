package app

// listedAtOnce is the size of the pages in which long lists are read.
const listedAtOnce = 100

// pagesOf reads pages until it has limit items and knows whether there are more. read returns at most n items
// after the cursor, and the next cursor, which is zero at the end.
func pagesOf[T any, C comparable](limit int, read func(after C, n int) ([]T, C, error)) (all []T, more bool, err error) {
	var none, cursor C
	for len(all) <= limit {
		page, next, err := read(cursor, min(limit+1-len(all), listedAtOnce))
		if err != nil {
			return nil, false, causeOf(err)
		}
		all = append(all, page...)
		if cursor = next; cursor == none {
			break
		}
	}
	return all[:min(len(all), limit)], len(all) > limit, nil
}
