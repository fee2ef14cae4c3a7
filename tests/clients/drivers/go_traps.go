// What the page of Go warns of; a line `name=value` each.
package main

import (
	"database/sql"
	"fmt"
)

func tellTraps(db *sql.DB) {
	insert := `INSERT INTO jobs (type, payload) VALUES ('nobody_serves_this', $1)`
	_, err := db.Exec(insert, []byte(`{"n": 1}`))
	fmt.Printf("bytes=%v\n", err)
	_, err = db.Exec(insert, `{"n": 1}`)
	fmt.Printf("text=%v\n", err)
	_, err = db.Exec(`SELECT errorMessage FROM jobs`)
	fmt.Printf("unquoted=%v\n", err)
}
