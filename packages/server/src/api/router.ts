/** Finds the method record for a verb and path fragments. */
import type { Method, Verb } from '@ryokan/api/method.ts';

interface RouteNode {
  readonly fixed: Map<string, RouteNode>;
  param?: { readonly name: string; readonly node: RouteNode };
  readonly methods: Map<Verb, Method>;
  /** Path parameter that takes all remaining fragments joined with `/` (volume names, CIDRs). */
  rest?: { readonly name: string; readonly methods: Map<Verb, Method> };
}

export interface Route {
  readonly method: Method;
  readonly params: Record<string, string>;
}

const newNode = (): RouteNode => ({ fixed: new Map(), methods: new Map() });

/** The last parameter of these paths holds the rest of the URI. */
const restPaths = [/\/content\/\{volume\}$/, /\/ipset\/\{name\}\/\{cidr\}$/];

export class Router {
  private readonly root = newNode();

  constructor(methods: Iterable<Method>) {
    for (const method of methods) this.add(method);
  }

  find(verb: string, fragments: readonly string[]): Route | undefined {
    const params: Record<string, string> = {};
    let node = this.root;
    for (let i = 0; i < fragments.length; i++) {
      const fragment = fragments[i] as string;
      const fixed = node.fixed.get(fragment);
      if (fixed) {
        node = fixed;
      } else if (node.rest) {
        params[node.rest.name] = fragments.slice(i).join('/');
        return routeOf(node.rest.methods, verb, params);
      } else if (node.param) {
        params[node.param.name] = fragment;
        node = node.param.node;
      } else return undefined;
    }
    return routeOf(node.methods, verb, params);
  }

  private add(method: Method): void {
    const isRest = restPaths.some((pattern) => pattern.test(method.path));
    const fragments = method.path.split('/').filter((fragment) => fragment !== '');
    let node = this.root;
    for (const [i, fragment] of fragments.entries()) {
      const name = /^\{(.+)\}$/.exec(fragment)?.[1];
      if (name === undefined) {
        const next: RouteNode = node.fixed.get(fragment) ?? newNode();
        node.fixed.set(fragment, next);
        node = next;
      } else if (isRest && i === fragments.length - 1) {
        node.rest ??= { name, methods: new Map() };
        node.rest.methods.set(method.verb, method);
        return;
      } else {
        node.param ??= { name, node: newNode() };
        if (node.param.name !== name)
          throw new Error(`${method.path}: parameter is '${node.param.name}' elsewhere`);
        node = node.param.node;
      }
    }
    node.methods.set(method.verb, method);
  }
}

function routeOf(
  methods: Map<Verb, Method>,
  verb: string,
  params: Record<string, string>,
): Route | undefined {
  const method = methods.get(verb as Verb);
  return method ? { method, params } : undefined;
}
