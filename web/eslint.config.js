import hooks from "eslint-plugin-react-hooks";
import tseslint from "typescript-eslint";

export default tseslint.config(
  // The pages in `specification` stand for code of users, with rules of its own.
  { ignores: ["dist/", "tests/pages/specification/"] },
  ...tseslint.configs.strictTypeChecked,
  hooks.configs.flat["recommended-latest"],
  {
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      complexity: ["error", 10],
      "max-lines": ["error", 450],
      "no-console": "error",
      // Private members are #private.
      "no-restricted-syntax": ["error", "[accessibility=private]", "[accessibility=protected]"],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
    },
  },
  // Generated from the declarations of the admin interface, so it is as long as those are.
  { files: ["src/admin/api/types.ts"], rules: { "max-lines": "off" } },
  { files: ["eslint.config.js"], ...tseslint.configs.disableTypeChecked },
);
