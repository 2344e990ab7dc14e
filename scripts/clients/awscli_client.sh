#!/usr/bin/env bash
# The AWS CLI against a running server: what a person types. Run by scripts/clients/run.
# Where it connects to and as whom, the CLI reads from the environment. AWS names the program (aws).
# FLYWHEEL_TRANSACTIONS=1 adds transactions. Exit code 1 with the first answer that is not as AWS's would be.
set -euo pipefail
aws=${AWS:-aws}
table=awscli-music
out=$(mktemp)
trap 'rm -f "$out"' EXIT
checks=0
export AWS_PAGER="" AWS_MAX_ATTEMPTS=1

db() { "$aws" dynamodb "$@"; }

fail() {
    printf 'awscli: %s\n' "$*"
    exit 1
}

# same EXPECTED ARGUMENTS... : what the CLI prints as text is this, blanks aside.
same() {
    local expected=$1 found
    shift
    found=$(db "$@" --output text 2>&1 | tr -s '[:space:]' ' ') || fail "aws dynamodb $*: $found"
    found=${found% }
    [ "$found" = "$expected" ] || fail "aws dynamodb $*: printed '$found', expected '$expected'"
    checks=$((checks + 1))
}

# counted NUMBER ARGUMENTS... : so many words are printed, however many pages they come in.
counted() {
    local expected=$1 found
    shift
    found=$(db "$@" --output text 2>"$out" | wc -w) || fail "aws dynamodb $*: $(cat "$out")"
    [ "$found" -eq "$expected" ] || fail "aws dynamodb $*: printed $found, expected $expected"
    checks=$((checks + 1))
}

# done_well ARGUMENTS... : the CLI succeeds, whatever it prints.
done_well() {
    db "$@" >"$out" 2>&1 || fail "aws dynamodb $*: $(cat "$out")"
    checks=$((checks + 1))
}

# refused CODE ARGUMENTS... : the CLI fails and names this error.
refused() {
    local code=$1 status=0
    shift
    db "$@" >"$out" 2>&1 || status=$?
    [ "$status" -ge 252 ] || fail "aws dynamodb $*: ended with $status: $(cat "$out")"
    grep -q "($code)" "$out" || fail "aws dynamodb $*: no $code: $(cat "$out")"
    checks=$((checks + 1))
}

printf '%s\n' "$("$aws" --version)"

# Tables.
same CREATING create-table --table-name "$table" \
    --attribute-definitions AttributeName=Artist,AttributeType=S AttributeName=Song,AttributeType=S \
    AttributeName=Year,AttributeType=N AttributeName=Genre,AttributeType=S \
    --key-schema AttributeName=Artist,KeyType=HASH AttributeName=Song,KeyType=RANGE \
    --local-secondary-indexes '[{"IndexName":"by-year","KeySchema":[{"AttributeName":"Artist","KeyType":"HASH"},{"AttributeName":"Year","KeyType":"RANGE"}],"Projection":{"ProjectionType":"KEYS_ONLY"}}]' \
    --global-secondary-indexes '[{"IndexName":"by-genre","KeySchema":[{"AttributeName":"Genre","KeyType":"HASH"}],"Projection":{"ProjectionType":"ALL"}}]' \
    --billing-mode PAY_PER_REQUEST --tags Key=owner,Value=clients --query TableDescription.TableStatus
arn=$(db describe-table --table-name "$table" --query Table.TableArn --output text)
for ((tries = 0; tries < 100; tries++)); do
    state=$(db describe-table --table-name "$table" --query Table.TableStatus --output text)
    if [ "$state" = ACTIVE ]; then break; fi
    sleep 0.1
done
done_well wait table-exists --table-name "$table"
same "by-genre ACTIVE" describe-table --table-name "$table" \
    --query 'Table.GlobalSecondaryIndexes[0].[IndexName,IndexStatus]'
same "$table" list-tables --query "TableNames[?@=='$table']"
refused ResourceInUseException create-table --table-name "$table" --billing-mode PAY_PER_REQUEST \
    --attribute-definitions AttributeName=a,AttributeType=S --key-schema AttributeName=a,KeyType=HASH
refused ResourceNotFoundException describe-table --table-name awscli-nothing
refused ValidationException update-table --table-name "$table"

# Items.
item='{"Artist":{"S":"No One You Know"},"Song":{"S":"Call Me Today"},"Year":{"N":"1984"},"Genre":{"S":"Country"},
"Cover":{"B":"AAEC/w=="},"Awards":{"NS":["3","1"]},"Pages":{"BS":["AQ==","Ag=="]},"Tags":{"SS":["ä","ö"]},
"Live":{"BOOL":false},"Gone":{"NULL":true},"Tracks":{"L":[{"N":"1"},{"M":{"deep":{"L":[]}}}]}}'
done_well put-item --table-name "$table" --item "$item"
# Version 1 of the CLI takes the text of binary values for their bytes, and shows these in base64.
key='{"Artist":{"S":"No One You Know"},"Song":{"S":"Call Me Today"}}'
same "QUFFQy93PT0= False True 1984" get-item --table-name "$table" --key "$key" --consistent-read \
    --query 'Item.[Cover.B,Live.BOOL,Gone.NULL,Year.N]'
same "ä ö" get-item --table-name "$table" --key "$key" --query 'sort(Item.Tags.SS)'
same "QVE9PQ== QWc9PQ==" get-item --table-name "$table" --key "$key" --query 'sort(Item.Pages.BS)'
refused ConditionalCheckFailedException put-item --table-name "$table" --item "$item" \
    --condition-expression 'attribute_not_exists(Artist)'
same 1985 update-item --table-name "$table" --key "$key" --update-expression 'SET #y = #y + :one' \
    --expression-attribute-names '{"#y":"Year"}' --expression-attribute-values '{":one":{"N":"1"}}' \
    --return-values UPDATED_NEW --query Attributes.Year.N
same "0.5 $table" get-item --table-name "$table" --key "$key" --return-consumed-capacity TOTAL \
    --query 'ConsumedCapacity.[CapacityUnits,TableName]'
refused ValidationException get-item --table-name "$table" --key '{"Artist":{"S":"x"}}'
refused ValidationException update-item --table-name "$table" --key "$key" --update-expression 'SET'

# Batches, queries, scans; the CLI follows the pages itself.
writes=
for n in $(seq -w 1 25); do
    writes+='{"PutRequest":{"Item":{"Artist":{"S":"The Acme Band"},"Song":{"S":"Song '$n'"},"Year":{"N":"20'$n'"},"Genre":{"S":"Rock"}}}},'
done
same "{}" batch-write-item --request-items "{\"$table\":[${writes%,}]}" --query 'to_string(UnprocessedItems)'
same 3 batch-get-item --request-items "{\"$table\":{\"Keys\":[$key,{\"Artist\":{\"S\":\"The Acme Band\"},\"Song\":{\"S\":\"Song 01\"}},{\"Artist\":{\"S\":\"The Acme Band\"},\"Song\":{\"S\":\"Song 02\"}},{\"Artist\":{\"S\":\"The Acme Band\"},\"Song\":{\"S\":\"none\"}}]}}" \
    --query "length(Responses.\"$table\")"
acme='{":a":{"S":"The Acme Band"}}'
counted 25 query --table-name "$table" --key-condition-expression 'Artist = :a' --expression-attribute-values "$acme" \
    --page-size 4 --query 'Items[].Year.N'
# The last word is where to go on, which the CLI adds.
same "Song 25 Song 24 None" query --table-name "$table" --key-condition-expression 'Artist = :a' \
    --expression-attribute-values "$acme" --no-scan-index-forward --max-items 2 --query 'Items[].Song.S'
same "Song 10" query --table-name "$table" --index-name by-year --key-condition-expression 'Artist = :a and #y = :y' \
    --expression-attribute-names '{"#y":"Year"}' \
    --expression-attribute-values '{":a":{"S":"The Acme Band"},":y":{"N":"2010"}}' --query 'Items[].Song.S'
for ((tries = 0; tries < 100; tries++)); do
    rock=$(db query --table-name "$table" --index-name by-genre --key-condition-expression 'Genre = :g' \
        --expression-attribute-values '{":g":{"S":"Rock"}}' --select COUNT --query Count --output text)
    if [ "$rock" = 25 ]; then break; fi
    sleep 0.1
done
[ "$rock" = 25 ] || fail "by-genre has $rock of 25"
counted 26 scan --table-name "$table" --page-size 3 --query 'Items[].Year.N'
first=$(db scan --table-name "$table" --max-items 5 --query NextToken --output json | tr -d '"')
counted 21 scan --table-name "$table" --starting-token "$first" --query 'Items[].Year.N'
same "2 26" scan --table-name "$table" --filter-expression '#y > :y' --expression-attribute-names '{"#y":"Year"}' \
    --expression-attribute-values '{":y":{"N":"2023"}}' --query '[Count,ScannedCount]'
refused ValidationException scan --table-name "$table" --filter-expression 'Year > :y'

# Tags and expiry.
done_well tag-resource --resource-arn "$arn" --tags Key=team,Value=two
same "clients two" list-tags-of-resource --resource-arn "$arn" --query 'sort(Tags[].Value)'
done_well untag-resource --resource-arn "$arn" --tag-keys team
same clients list-tags-of-resource --resource-arn "$arn" --query 'Tags[].Value'
same "True Expires" update-time-to-live --table-name "$table" \
    --time-to-live-specification Enabled=true,AttributeName=Expires \
    --query 'TimeToLiveSpecification.[Enabled,AttributeName]'
same Expires describe-time-to-live --table-name "$table" --query TimeToLiveDescription.AttributeName
done_well describe-limits
done_well describe-endpoints

# Transactions, when the server has them.
transactions() {
    done_well transact-write-items --transact-items "[{\"Put\":{\"TableName\":\"$table\",\"Item\":$item}}]"
    same 1984 transact-get-items --transact-items "[{\"Get\":{\"TableName\":\"$table\",\"Key\":$key}}]" \
        --query 'Responses[].Item.Year.N'
    refused TransactionCanceledException transact-write-items --transact-items \
        "[{\"Delete\":{\"TableName\":\"$table\",\"Key\":$key,\"ConditionExpression\":\"attribute_not_exists(Artist)\"}}]"
}
if [ "${FLYWHEEL_TRANSACTIONS:-}" = 1 ]; then transactions; fi

# Away with it.
same "Call Me Today" delete-item --table-name "$table" --key "$key" --return-values ALL_OLD --query Attributes.Song.S
same DELETING delete-table --table-name "$table" --query TableDescription.TableStatus
for ((tries = 0; tries < 100; tries++)); do
    if ! db describe-table --table-name "$table" >"$out" 2>&1; then break; fi
    sleep 0.1
done
done_well wait table-not-exists --table-name "$table"
printf '%s passed, 0 failed\n' "$checks"
