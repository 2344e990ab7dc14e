//! DynamoDB's meaning on ordered keys: tables, items, what each operation does. No HTTP, no JSON, no files.
