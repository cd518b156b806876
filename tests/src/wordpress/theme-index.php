<!doctype html>
<html <?php language_attributes(); ?>>
<head>
<meta charset="<?php bloginfo( 'charset' ); ?>">
<title><?php bloginfo( 'name' ); ?></title>
<?php wp_head(); ?>
</head>
<body <?php body_class(); ?>>
<?php wp_body_open(); ?>
<nav><?php wp_nav_menu( array( 'theme_location' => 'main' ) ); ?></nav>
<main>
<?php while ( have_posts() ) : the_post(); ?>
	<article>
		<h2><a href="<?php the_permalink(); ?>"><?php the_title(); ?></a></h2>
		<?php the_post_thumbnail(); ?>
		<?php the_content(); ?>
	</article>
<?php endwhile; ?>
</main>
<aside><?php dynamic_sidebar( 'side' ); ?></aside>
<?php wp_footer(); ?>
</body>
</html>
