// SPDX-License-Identifier: GPL-2.0-only
/// Print what C files say, construct by construct, as facts.cocci does, from
/// Coccinelle's own syntax tree.  It decides nothing.
///
// Confidence: High
// Options: --no-includes
// Comments: The driver keeps it running: it reads names of files, one a line, and
// Comments: answers each with its facts, a line "passed" with the number of each #if
// Comments: line that Coccinelle passed over, and "end".  Needs an OCaml compiler.
// Comments: A fact is what a rule of facts.cocci matches, so what Coccinelle makes no
// Comments: control flow graph of has none.  It keeps to what 1.1.1 and 1.3 share.

virtual patch
virtual context
virtual org
virtual report

@initialize:ocaml@
@@

open Ast_c
open Visitor_c

let out = Buffer.create 1000000

(* -- text ------------------------------------------------------------------ *)
let most = 1000 (* characters of a statement that are printed *)

let starts_with start text =
  String.length text >= String.length start
  && String.sub text 0 (String.length start) = start

let is_blank c = c = ' ' || (c >= '\t' && c <= '\r')

(* TEXT with one space for each run of blanks, and none at its ends. *)
let squeezed text =
  let spaced = String.map (fun c -> if is_blank c then ' ' else c) text in
  let words = String.split_on_char ' ' spaced in
  String.concat " " (List.filter (fun word -> word <> "") words)

(* The first LIMIT characters, not bytes, of UTF-8 TEXT. *)
let cut limit text =
  let rec until at left =
    if at >= String.length text then at
    else
      let starts = Char.code text.[at] land 0xc0 <> 0x80 in
      if starts && left = 0 then at
      else until (at + 1) (if starts then left - 1 else left) in
  if String.length text <= limit then text else String.sub text 0 (until 0 limit)

(* Coccinelle 1.1 prints its copy of what matched, with what was passed over behind
   a token; later ones print the original. *)
let is_old = starts_with "1.1" (Coccilib.cocci_version ())
let bound copy node = if is_old then copy node else node

let words_of info =
  let passed = if is_old then get_comments_after info else [] in
  str_of_info info :: List.map Token_c.str_of_token passed

(* What PRINT says of NODE, the tokens apart by a space. *)
let raw print node =
  let words = ref [] in
  let add info = words := List.rev_append (words_of info) !words in
  print ~pr_elem:add ~pr_space:(fun _ -> ()) node;
  String.concat " " (List.rev !words)

let type_text t =
  squeezed (raw Pretty_print_c.pp_type_gen (bound Lib_parsing_c.al_type t))

let statement_text st =
  let st = bound Lib_parsing_c.al_statement st in
  let text = raw Pretty_print_c.pp_statement_gen st in
  let whole = starts_with "asm" text || starts_with "__asm__" text in
  squeezed (if whole then text else cut most text)

let expression_text e =
  squeezed (raw Pretty_print_c.pp_expression_gen (bound Lib_parsing_c.al_expr e))

let declaration_text decl =
  let decl = bound Lib_parsing_c.al_declaration decl in
  squeezed (raw Pretty_print_c.pp_decl_gen decl)

(* -- what was passed over -------------------------------------------------- *)
let place_of info =
  match pinfo_of_info info with OriginTok place -> Some place | _ -> None

let comment_of token =
  let found tag info =
    match place_of info with Some place -> Some (tag, place) | None -> None in
  match token with
  | Parser_c.TComment info | Parser_c.TCommentMisc info -> found Token_c.TComment info
  | Parser_c.TCommentSpace info -> found Token_c.TCommentSpace info
  | Parser_c.TCommentNewline info -> found Token_c.TCommentNewline info
  | Parser_c.TCommentCpp (kind, info) -> found (Token_c.TCommentCpp kind) info
  | _ -> None

(* The runs of comments, blanks and what was passed over, by the offset where each
   starts. *)
let runs : (int, Token_c.comment_like_token list) Hashtbl.t = Hashtbl.create 1000

let note_runs program =
  Hashtbl.clear runs;
  let run = ref [] and behind_line = ref false in
  let stop () =
    (match List.rev !run with
    | (_, first) :: _ as comments when not !behind_line ->
        Hashtbl.replace runs first.Common.charpos comments
    | _ -> ());
    run := [] in
  let each token =
    match comment_of token with
    | Some comment -> run := comment :: !run
    | None -> (* the end of a #define is a token without a length *)
        if !run <> [] then stop ();
        behind_line := (match token with Parser_c.TDefEOL _ -> true | _ -> false) in
  List.iter (fun (_, (_, tokens)) -> List.iter each tokens) program;
  stop ()

let is_expanded info =
  match pinfo_of_info info with ExpandedTok _ -> true | _ -> false

(* The offset behind a token; what a macro expands to stands between the token before
   the call and the call, which is passed over. *)
let ending info =
  match pinfo_of_info info with
  | OriginTok place | ExpandedTok (_, (place, _)) ->
      place.Common.charpos + String.length place.Common.str
  | _ -> -1

(* Hang what was passed over on the tokens of TOP, as Coccinelle does before it
   matches.  The tokens of a macro's body and of all it expands to share theirs, so
   the last one counts: this is to be done for a whole file before it is printed. *)
let annotate top =
  let followed info = function
    | next :: _ -> is_expanded next && ending next = ending info
    | [] -> false in
  let find info = try Hashtbl.find runs (ending info) with Not_found -> [] in
  let rec each = function
    | [] -> ()
    | info :: rest ->
        let comments = if followed info rest then [] else find info in
        info.comments_tag := { !(info.comments_tag) with mafter = comments };
        each rest in
  let infos = Lib_parsing_c.ii_of_toplevel top in
  each (List.sort compare_pos (List.filter (fun info -> not (is_fake info)) infos))

let passed_lines program =
  let each = function
    | Parser_c.TCommentCpp (_, info) when starts_with "#" (str_of_info info) ->
        Printf.bprintf out "passed\t%d\n" (line_of_info info)
    | _ -> () in
  List.iter (fun (_, (_, tokens)) -> List.iter each tokens) program

(* -- facts ----------------------------------------------------------------- *)
let this_file = ref ""
let element = ref ""
let element_line = ref 0

(* The first and last point of INFOS; None where they are of another file, as what
   a macro of Coccinelle's own expands to, or of none. *)
let extent infos =
  match Lib_parsing_c.lin_col_by_pos infos with
  | file, _, first, last -> if file = !this_file then Some (first, last) else None
  | exception Failure _ -> None

let fact kind infos fields =
  match extent infos with
  | None -> ()
  | Some ((line, column), (last, ending)) ->
      Printf.bprintf out "%s\t%d\t%d\t%d\t%d\t%s\t%d" kind line column last ending
        !element !element_line;
      List.iter (fun field -> Printf.bprintf out "\t%s" field) fields;
      Buffer.add_char out '\n'

(* A name that ## puts together matches no identifier. *)
let is_plain name = match name with RegularName _ -> true | _ -> false

let place_fact kind name fields =
  if is_plain name then fact kind [ info_of_name name ] fields

let named_fact kind name fields = place_fact kind name (str_of_name name :: fields)

let nothing = default_visitor_c
let visit_nothing _ _ = ()

(* What WORK adds, in order. *)
let gathered work =
  let found = ref [] in
  work (fun item -> found := item :: !found);
  List.rev !found

(* VISIT for the outermost it is called for, and INSIDE for the others. *)
let once visit inside =
  let outside = ref true in
  fun way node ->
    if !outside then (outside := false; visit way node) else inside node

(* -- structures ------------------------------------------------------------ *)
type item = Name of name | Type of fullType | Other

(* The names and types that stand directly in a structure's FIELD, in order. *)
let items_of field =
  let visitor add =
    { nothing with
      kname = (fun _ name -> add (Name name)); ktype = (fun _ t -> add (Type t));
      kini = (fun _ _ -> add Other); kexpr = (fun _ _ -> add Other) } in
  gathered (fun add -> vk_struct_field (visitor add) field)

(* A bit-field has an expression between its name and its type. *)
let member_facts structure field =
  let rec each = function
    | [] -> ()
    | Name name :: Type t :: rest ->
        place_fact "member" name [ structure; str_of_name name; type_text t ];
        each rest
    | _ :: rest -> each rest in
  each (items_of field)

(* The tokens that are a type's own, and its fields. *)
let parts_of t =
  let fields = ref [] in
  let visitor add =
    { nothing with
      ktype = once (fun (k, _) t -> k t) ignore;
      kfield = (fun _ field -> fields := field :: !fields);
      kinfo = (fun _ info -> add (str_of_info info)) } in
  let words = gathered (fun add -> vk_type (visitor add) t) in
  (words, !fields)

let structure_facts t =
  match parts_of t with
  | "struct" :: name :: "{" :: _, fields -> List.iter (member_facts name) fields
  | _ -> ()

(* -- declarations ---------------------------------------------------------- *)
let initialisers_of one =
  let visitor add =
    { nothing with ktype = visit_nothing; kini = (fun _ ini -> add ini) } in
  gathered (fun add -> vk_onedecl (visitor add) one)

let variable_fact one name =
  let t = type_text one.v_type in
  let starts = List.map (fun i -> extent (Lib_parsing_c.ii_of_ini i)) in
  match starts (initialisers_of one) with
  | [] -> named_fact "variable" name [ t ]
  | Some ((line, column), _) :: _ ->
      named_fact "initialised" name [ t; string_of_int line; string_of_int column ]
  | None :: _ -> ()

let declared_in decl =
  let visitor add = { nothing with konedecl_opt = (fun _ _ one -> add one) } in
  gathered (fun add -> vk_decl (visitor add) decl)

let declaration_facts decl =
  let infos = Lib_parsing_c.ii_of_decl decl in
  let typedef = List.exists (fun i -> str_of_info i = "typedef") infos in
  let each one =
    match one.v_namei with
    | Some (name, _) when not typedef -> variable_fact one name
    | _ -> structure_facts one.v_type in
  fact "declaration" infos [ declaration_text decl ];
  List.iter each (declared_in decl)

let parameter_facts params =
  let each number (param, _) =
    match param.p_namei with
    | Some name ->
        named_fact "parameter" name [ type_text param.p_type; string_of_int number ]
    | None -> () in
  List.iteri each params

(* -- control flow: what Coccinelle makes no graph of ----------------------- *)
type around = In_loop | In_switch

(* The statements directly in ST, without what its expressions hold. *)
let children_of st =
  let visitor add =
    { nothing with
      kexpr = visit_nothing; kdecl = visit_nothing; kcppdirective = visit_nothing;
      kstatement = once (fun (k, _) st -> k st) add } in
  gathered (fun add -> vk_statement (visitor add) st)

let rec labels_of st =
  let below = List.concat (List.map labels_of (children_of st)) in
  match unwrap st with
  | Labeled (Label (name, _)) -> str_of_name name :: below
  | _ -> below

(* Is there one that CHOSEN takes in ST, below none that HIDES takes? *)
let rec has chosen hides st =
  chosen (unwrap st)
  || List.exists
       (fun child -> (not (hides (unwrap child))) && has chosen hides child)
       (children_of st)

let is_loop = function Iteration _ -> true | _ -> false
let is_switch = function Selection (Switch _) -> true | _ -> false
let is_default = function Labeled (Default _) -> true | _ -> false
let continues = has (fun st -> st = Jump Continue) is_loop
let breaks = has (fun st -> st = Jump Break) (fun st -> is_loop st || is_switch st)

(* Does control reach the end of a statement, as Coccinelle sees it? *)
let rec falls st =
  match unwrap st with
  | Jump _ -> false
  | Compound items -> List.fold_left item_falls true items
  | Labeled _ -> List.for_all falls (children_of st)
  | Selection (If (_, _, (ExprStatement None, []))) -> true
  | Selection (If (_, first, second)) -> falls first || falls second
  | Selection (Switch (_, body)) ->
      falls body || breaks body || not (has is_default is_switch body)
  | _ -> true

and item_falls before = function
  | StmtElem st -> falls st | IfdefStmt2 _ -> true | _ -> before

let rec sound labels returns around st =
  let below around = List.for_all (sound labels returns around) (children_of st) in
  match unwrap st with
  | Jump (Goto name) -> List.mem (str_of_name name) labels
  | Jump (GotoComputed _) -> false
  | Jump Break -> around <> []
  | Jump Continue -> List.mem In_loop around
  | Jump _ -> returns
  | Labeled (Case _ | CaseRange _) -> List.mem In_switch around && below around
  | Labeled (Default _) ->
      (match around with In_switch :: _ -> below around | _ -> false)
  | Selection (Switch (_, (Compound _, _))) -> below (In_switch :: around)
  | Selection (Switch _) -> false
  | Iteration (DoWhile (body, _)) ->
      (falls body || continues body) && below (In_loop :: around)
  | Iteration _ -> below (In_loop :: around)
  | NestedFunc _ -> false
  | _ -> below around

let is_sound returns st =
  let labels = labels_of st in
  List.compare_lengths labels (List.sort_uniq compare labels) = 0
  && sound labels returns [] st

(* -- statements and expressions -------------------------------------------- *)
(* Does WORK while VALUE is in PLACE. *)
let holding place value work =
  let before = !place in
  place := value;
  work ();
  place := before

(* The statements and declarations in an expression are no part of the graph. *)
let in_expression = ref false

(* The body of a switch is none of its own. *)
let hidden : statement option ref = ref None

(* The parts of the head of a loop are visited as if they were statements. *)
let parts : statement list ref option ref = ref None

let is_counted st =
  let hidden = match !hidden with Some other -> other == st | None -> false in
  match st with
  | ExprStatement None, [] | Decl _, _ | IfdefStmt1 _, _ -> false
  | _ -> not (hidden || !in_expression)

let statement_fact st =
  fact "statement" (Lib_parsing_c.ii_of_stmt st) [ statement_text st ];
  match unwrap st with
  | Labeled (Label (name, _)) -> named_fact "label" name []
  | _ -> ()

let visit_head visitor = function
  | ExprStatement (Some e), _ -> vk_expr visitor e
  | _ -> ()

let visit_loop k visitor st =
  let found = ref [] in
  holding parts (Some found) (fun () -> k st);
  match !found with
  | body :: heads ->
      List.iter (visit_head visitor) (List.rev heads);
      vk_statement visitor body
  | [] -> ()

let visit_statement (k, visitor) st =
  match !parts with
  | Some found -> found := st :: !found
  | None -> (
      if is_counted st then statement_fact st;
      match unwrap st with
      | Iteration _ -> visit_loop k visitor st
      | Selection (Switch (_, body)) -> holding hidden (Some body) (fun () -> k st)
      | _ -> k st)

let visit_expression (k, _) e =
  fact "expression" (Lib_parsing_c.ii_of_expr e) [ expression_text e ];
  holding parts None (fun () -> holding in_expression true (fun () -> k e))

(* The declarations of K&R parameters are a part of the head. *)
let in_head : declaration list ref = ref []

let visit_declaration (k, _) decl =
  let counted = (not !in_expression) && !parts = None in
  if counted && not (List.memq decl !in_head) then declaration_facts decl;
  holding parts None (fun () -> k decl)

(* What is no part of the graph: a #define in a function is, for later versions. *)
let visit_item (k, _) = function
  | IfdefStmt _ -> ()
  | CppDirectiveStmt _ when is_old -> ()
  | item -> k item

let visit_definition (k, _) definition =
  let head, infos = definition in
  if is_sound true (mk_st (Compound head.f_body) infos) then begin
    match head.f_old_c_style with
    | Some declarations -> holding in_head declarations (fun () -> k definition)
    | None ->
        let _, (params, _) = head.f_type in
        if is_plain head.f_name then parameter_facts params;
        k definition
  end

let visitor =
  { nothing with
    kexpr = visit_expression; kdecl = visit_declaration; kdef = visit_definition;
    kstatement = visit_statement; kstatementseq = visit_item }

(* -- files ----------------------------------------------------------------- *)
(* A macro call outside of functions is a statement, for Coccinelle. *)
let visit_macro_call name args infos =
  match infos with
  | [ word; opening; closing; ending ] ->
      let callee = mk_e (Ident (RegularName (name, [ word ]))) noii in
      let call = mk_e (FunCall (callee, args)) [ opening; closing ] in
      vk_statement visitor (mk_st (ExprStatement (Some call)) [ ending ])
  | _ -> ()

let visit_macro_body body =
  let statement returns st = if is_sound returns st then vk_statement visitor st in
  match body with
  | DefineExpr e -> vk_expr visitor e
  | DefineType t -> vk_type visitor t
  | DefineStmt st -> statement true st
  | DefineDoWhileZero ((st, _), _) -> statement false st
  | DefineFunction definition -> vk_def visitor definition
  | DefineInit ini -> vk_ini visitor ini
  | _ -> ()

let name_of top =
  match top with
  | Definition (head, _) -> str_of_name head.f_name
  | MacroTop (name, _, _) -> name
  | Declaration decl -> (
      match declared_in decl with
      | [ { v_namei = Some (name, _); _ } ] -> str_of_name name
      | _ -> "something_else")
  | _ -> "something_else"

let visit top =
  element := name_of top;
  (match Lib_parsing_c.lin_col_by_pos (Lib_parsing_c.ii_of_toplevel top) with
  | _, _, (line, _), _ -> element_line := line
  | exception Failure _ -> ());
  match top with
  | Definition _ | Declaration _ -> vk_toplevel visitor top
  | MacroTop (name, args, infos) -> visit_macro_call name args infos
  | CppTop (Define (_, (_, body))) -> visit_macro_body body
  | _ -> ()

let read file =
  this_file := file;
  in_expression := false; in_head := []; hidden := None; parts := None;
  let program, _ = Parse_c.parse_c_and_cpp false false file in
  note_runs program;
  List.iter (fun (top, _) -> annotate top) program;
  List.iter (fun (top, _) -> visit top) program;
  passed_lines program

let answer () =
  Buffer.output_buffer stdout out;
  Buffer.clear out;
  print_endline "end"

let serve file =
  (try read file with e -> prerr_endline ("EXN: " ^ Printexc.to_string e));
  flush stderr;
  answer ()

let () =
  answer ();
  try while true do serve (input_line stdin) done with End_of_file -> ()

// A rule to be run for: without any, spatch runs no script either.
@unused@
expression E;
@@
* E
