// Obeys the tests for the page of Go; orders and answers as in python_driver.py. The first argument is the driver.
package main

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"os"
	"strconv"
	"strings"

	_ "github.com/jackc/pgx/v4/stdlib"
	_ "github.com/lib/pq"
)

func address(driver string) string {
	address, pooled := os.Args[len(os.Args)-1], os.Getenv("POOLED") != ""
	switch {
	case driver == "postgres" && pooled:
		return address + "?sslmode=disable&binary_parameters=yes"
	case driver == "postgres":
		return address + "?sslmode=disable"
	case pooled:
		return address + "?statement_cache_mode=describe"
	}
	return address
}

func obey(ctx context.Context, db *sql.DB, order, value string) (string, error) {
	if order == "sign_up" {
		id, err := SignUp(ctx, db, value)
		return strconv.FormatInt(id, 10), err
	}
	id, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return "", err
	}
	if order == "cancel" {
		count, err := Cancel(ctx, db, id)
		return strconv.FormatInt(count, 10), err
	}
	job, err := Read(ctx, db, id)
	return job.Status + "\t" + string(job.Result) + "\t" + job.ErrorMessage.String, err
}

func main() {
	db, err := sql.Open(os.Args[1], address(os.Args[1]))
	if err != nil {
		panic(err)
	}
	if os.Args[2] == "traps" {
		tellTraps(db)
		return
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		order, value, _ := strings.Cut(lines.Text(), " ")
		answer, err := obey(context.Background(), db, order, value)
		if err != nil {
			answer = "error: " + err.Error()
		}
		fmt.Println(answer)
	}
}
