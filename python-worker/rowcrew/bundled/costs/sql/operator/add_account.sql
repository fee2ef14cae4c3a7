-- Add a cloud account; no row: there is one of this id.
INSERT INTO "cloudAccounts" (id, "keyId", credentials, "roleArn", "externalId")
VALUES (%(id)s, %(key_id)s, %(credentials)s, %(role_arn)s, %(external_id)s)
ON CONFLICT (id) DO NOTHING
RETURNING id
