import { toKeyScope } from '@lmapp/core/keys'
import type { ApiKey } from 'lmapp-client'
import type { Arguments } from '../arguments/parse-arguments.ts'
import { type CommandContext, withService } from '../context.ts'
import { formatTime } from '../output/format.ts'
import { printNotice } from '../output/print-error.ts'
import { printJson } from '../output/print-json.ts'
import { toTable } from '../output/table.ts'

/** Where `lmapp serve` opens when nothing else is said. */
const usualAddress = 'http://127.0.0.1:5627'

/** stdout has the secret and nothing else, so that `KEY=$(lmapp keys create NAME)` works; it is on no other stream. */
export async function createKey(context: CommandContext, args: Arguments): Promise<number> {
  const [name = ''] = args.operands
  const scopes = args.values('scope').map(toKeyScope)
  const { created, address } = await withService(context, async (client) => {
    const health = await client.health()
    return { created: await client.createKey({ name, ...(scopes.length > 0 && { scopes }) }), address: health.address }
  })
  if (args.has('json')) await printJson(context.stdout, created)
  else await context.stdout.write(`${created.secret}\n`)
  await printNotice(context.stderr, howToUse(created, address))
  return 0
}

export async function listKeys(context: CommandContext, args: Arguments): Promise<number> {
  const keys = await withService(context, (client) => client.listKeys())
  if (args.has('json')) await printJson(context.stdout, keys)
  else if (keys.length > 0) await context.stdout.write(toKeyTable(keys, context.stdout.columns))
  else await printNotice(context.stderr, 'There are no keys. Create one: lmapp keys create NAME')
  return 0
}

export async function revokeKey(context: CommandContext, args: Arguments): Promise<number> {
  const [name = ''] = args.operands
  const key = await withService(context, (client) => client.revokeKey(name))
  if (args.has('json')) await printJson(context.stdout, key)
  else await context.stdout.write(`Revoked ${key.name} (${key.beginning}…): from now on it lets nobody in.\n`)
  return 0
}

function howToUse({ name, scopes }: ApiKey, address: string | undefined): string {
  const base = address ?? usualAddress
  return [
    `The secret of the key "${name}" (${scopes.join(', ')}) is shown only now: keep it.`,
    `  Base URL: ${base}/v1 for OpenAI clients, ${base} for those of Anthropic and Ollama`,
    '  By hand: Authorization: Bearer SECRET',
    ...(address === undefined ? ['  The APIs are not open yet: lmapp serve'] : []),
  ].join('\n')
}

/** The last column is there only where a key was revoked. */
function toKeyTable(keys: readonly ApiKey[], width: number): string {
  const isSomeRevoked = keys.some(({ revokedAt }) => revokedAt !== null)
  const titles = ['NAME', 'SECRET', 'FOR', 'CREATED', 'LAST USED', ...(isSomeRevoked ? ['REVOKED'] : [])]
  const rows = keys.map(({ name, beginning, scopes, createdAt, lastUsedAt, revokedAt }) => [
    name,
    `${beginning}…`,
    scopes.join(', '),
    formatTime(createdAt),
    lastUsedAt === null ? 'never' : formatTime(lastUsedAt),
    revokedAt === null ? '' : formatTime(revokedAt),
  ])
  return toTable(
    titles.map((title) => ({ title })),
    rows,
    width,
  )
}
