/** All modules of packages/server/src/api/handlers; generated-files.ts puts them together when it bundles. */
declare module 'ryokan:handlers' {
  export const modules: ReadonlyArray<Readonly<Record<string, unknown>>>;
}
