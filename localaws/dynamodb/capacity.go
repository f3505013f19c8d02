package dynamodb

// capacity is a ConsumedCapacity, by "Read and write operations" in the Developer
// Guide. Nothing is throttled.
type capacity struct {
	TableName          string
	CapacityUnits      float64
	ReadCapacityUnits  float64        `json:",omitempty"` // in transactions
	WriteCapacityUnits float64        `json:",omitempty"` // in transactions
	Table              *capacityUnits `json:",omitempty"`
}

type capacityUnits struct{ CapacityUnits float64 }

func capacityOf(mode, table string, units float64) *capacity {
	switch mode {
	case "TOTAL":
		return &capacity{TableName: table, CapacityUnits: units}
	case "INDEXES":
		return &capacity{TableName: table, CapacityUnits: units, Table: &capacityUnits{units}}
	}
	return nil
}

func transactionCapacity(mode string, tables []string, units map[string]float64, write bool) []capacity {
	var all []capacity
	for _, name := range tables {
		c := capacityOf(mode, name, units[name])
		if c == nil {
			return nil
		}
		if write {
			c.WriteCapacityUnits = units[name]
		} else {
			c.ReadCapacityUnits = units[name]
		}
		all = append(all, *c)
	}
	return all
}

// writeUnits is 1 per KB of the larger item.
func writeUnits(before, after int) float64 {
	return float64(max(1, (max(before, after)+1023)/1024))
}

// readUnits is 1 per 4 KB, or half if eventually consistent.
func readUnits(size int, consistent bool) float64 {
	units := float64(max(1, (size+4095)/4096))
	if !consistent {
		units /= 2
	}
	return units
}

func checkReturnConsumedCapacity(mode string) error {
	return checkEnum("returnConsumedCapacity", mode, "INDEXES", "TOTAL", "NONE")
}
