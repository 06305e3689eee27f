type Sqlite = typeof import('node:sqlite')

/** `node:sqlite` without the warning that some versions of Node print when it is first loaded. All other warnings stay. */
export function loadSqlite(): Sqlite {
  const emit = process.emitWarning
  process.emitWarning = ((...args: Parameters<typeof emit>) => {
    if (!isExperimental(args)) emit.apply(process, args)
  }) as typeof emit
  try {
    return process.getBuiltinModule('node:sqlite')
  } finally {
    process.emitWarning = emit
  }
}

function isExperimental([, options]: unknown[]): boolean {
  const type = typeof options === 'object' && options !== null && 'type' in options ? options.type : options
  return type === 'ExperimentalWarning'
}
