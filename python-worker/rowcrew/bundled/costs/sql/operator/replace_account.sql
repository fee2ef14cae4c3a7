-- Give a cloud account another way in, and collect it from now on; no row: there is none of this id.
UPDATE "cloudAccounts"
   SET "keyId" = %(key_id)s, credentials = %(credentials)s, "roleArn" = %(role_arn)s, "externalId" = %(external_id)s,
       active = true, problem = NULL
 WHERE id = %(id)s
RETURNING id
