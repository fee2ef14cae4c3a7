-- The first rows of a question that a model asks, as JSON, none longer than is shown.
SELECT left(CAST(row_to_json(asked) AS text), %(longest)s) AS "row"
  FROM (
{question}
       ) AS asked
 LIMIT %(most)s
