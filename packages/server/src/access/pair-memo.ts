/** A pure function of two objects that keeps its results for as long as the objects live: equal questions, one object. */
export class PairMemo<A extends object, B extends object, R> {
  private readonly results = new WeakMap<A, WeakMap<B, { readonly value: R }>>();

  constructor(private readonly make: (a: A, b: B) => R) {}

  of(a: A, b: B): R {
    let byB = this.results.get(a);
    if (!byB) {
      byB = new WeakMap();
      this.results.set(a, byB);
    }
    let result = byB.get(b);
    if (!result) {
      result = { value: this.make(a, b) };
      byB.set(b, result);
    }
    return result.value;
  }
}
