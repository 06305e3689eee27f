import { type FileValue, inlineLimitBytes, removeFileValue, writeFileValue } from 'lmapp-kit'

/** Lends `use` the value itself, or a file that holds its JSON when that is long. The file is removed afterwards. */
export async function withLarge<Value, Result>(
  value: Value,
  directory: string,
  use: (value: Value | FileValue) => Promise<Result>,
): Promise<Result> {
  await using large = await toLarge(value, directory)
  return await use(large.value)
}

export interface Large<Value> extends AsyncDisposable {
  value: Value | FileValue
}

export async function toLarge<Value>(value: Value, directory: string): Promise<Large<Value>> {
  const json = JSON.stringify(value)
  if (json.length * 3 <= inlineLimitBytes || Buffer.byteLength(json) <= inlineLimitBytes) {
    return { value, [Symbol.asyncDispose]: async () => {} }
  }
  const file = await writeFileValue(directory, Buffer.from(json))
  return { value: file, [Symbol.asyncDispose]: () => removeFileValue(directory, file) }
}
